#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "documents/detail/image_decoders.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t channels = 3;

int read_bytes(GifFileType* gif, GifByteType* out, int size) {
  auto* rest = static_cast<std::string_view*>(gif->UserData);
  const std::size_t count = std::min(static_cast<std::size_t>(std::max(size, 0)), rest->size());
  std::memcpy(out, rest->data(), count);
  rest->remove_prefix(count);
  return static_cast<int>(count);
}

struct Close {
  void operator()(GifFileType* gif) const {
    int ignored = 0;
    DGifCloseFile(gif, &ignored);
  }
};
using Gif = std::unique_ptr<GifFileType, Close>;

Error damaged(int code) {
  const char* words = GifErrorString(code);
  return fail(Code::invalid_argument, "the GIF picture is damaged: {}",
              words != nullptr ? words : "it has no image");
}

/// Goes to the first image; tells the colour that is transparent in it, or -1.
Result<int> find_image(GifFileType* gif) {
  int transparent = NO_TRANSPARENT_COLOR;
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &type) == GIF_ERROR) return damaged(gif->Error);
    if (type == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) return damaged(gif->Error);
      return transparent;
    }
    if (type != EXTENSION_RECORD_TYPE) return damaged(0);
    int code = 0;
    GifByteType* block = nullptr;  // Its length first; null behind the last.
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return damaged(gif->Error);
    GraphicsControlBlock control{};
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
      transparent = control.TransparentColor;
    while (block != nullptr)
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return damaged(gif->Error);
  }
}

/// Rows in the order in which they come.
std::vector<std::size_t> row_order(std::size_t height, bool is_interlaced) {
  std::vector<std::size_t> order;
  const std::pair<std::size_t, std::size_t> passes[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  if (is_interlaced)
    for (const auto& [first, step] : passes)
      for (std::size_t y = first; y < height; y += step) order.push_back(y);
  else
    for (std::size_t y = 0; y < height; ++y) order.push_back(y);
  return order;
}

Result<void> draw(GifFileType* gif, int transparent, Image& canvas) {
  const GifImageDesc& frame = gif->Image;
  const ColorMapObject* colours = frame.ColorMap ? frame.ColorMap : gif->SColorMap;
  if (colours == nullptr) return fail(Code::invalid_argument, "the GIF picture has no colours");
  const auto left = static_cast<std::size_t>(frame.Left), top = static_cast<std::size_t>(frame.Top);
  std::vector<GifPixelType> row(static_cast<std::size_t>(frame.Width));
  for (const std::size_t y : row_order(static_cast<std::size_t>(frame.Height), frame.Interlace)) {
    if (DGifGetLine(gif, row.data(), frame.Width) == GIF_ERROR) return damaged(gif->Error);
    char* out = canvas.rgb.data() + ((top + y) * canvas.width + left) * channels;
    for (const GifPixelType index : row) {
      GifColorType colour{};  // What is not in the table is black.
      if (index < colours->ColorCount) colour = colours->Colors[index];
      if (index != transparent) {
        out[0] = static_cast<char>(colour.Red);
        out[1] = static_cast<char>(colour.Green);
        out[2] = static_cast<char>(colour.Blue);
      }
      out += channels;
    }
  }
  return {};
}

}  // namespace

Result<Picture> decode_gif(std::string_view bytes, std::size_t pixels_max) {
  int error = 0;
  const Gif gif(DGifOpen(&bytes, read_bytes, &error));
  if (!gif) return damaged(error);
  const int transparent = TRY(find_image(gif.get()));
  const GifImageDesc& frame = gif->Image;
  if (frame.Width <= 0 || frame.Height <= 0 || frame.Left < 0 || frame.Top < 0)
    return fail(Code::invalid_argument,
                "the GIF picture is damaged: its first frame has no pixels");
  Picture picture;
  // Frames that reach out of the screen widen it, as browsers do.
  picture.image.width = static_cast<std::size_t>(std::max(gif->SWidth, frame.Left + frame.Width));
  picture.image.height = static_cast<std::size_t>(std::max(gif->SHeight, frame.Top + frame.Height));
  TRY(check_pixels(picture.image.width, picture.image.height, pixels_max));
  picture.image.rgb.assign(picture.image.width * picture.image.height * channels, '\xFF');
  TRY(draw(gif.get(), transparent, picture.image));
  return picture;
}

}  // namespace slipway::documents::detail
