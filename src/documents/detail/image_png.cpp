// libpng leaves a function that fails with longjmp: what it may jump over owns nothing.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <vector>

#include "documents/detail/image_decoders.hpp"

namespace slipway::documents::detail {

namespace {

constexpr png_alloc_size_t chunk_bytes_max = 8u << 20;
constexpr png_uint_32 chunks_max = 128;

/// The bytes that are left, and what went wrong.
struct Source {
  std::string_view rest;
  char message[128] = {};
};

void read_bytes(png_structp png, png_bytep out, std::size_t size) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (size > source->rest.size()) png_error(png, "it is cut");
  std::memcpy(out, source->rest.data(), size);
  source->rest.remove_prefix(size);
}

[[noreturn]] void keep_error(png_structp png, png_const_charp message) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source->message, message, sizeof source->message - 1);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

class Reader {
 public:
  explicit Reader(std::string_view bytes)
      : source_{bytes},
        png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, keep_error, ignore_warning)),
        info_(png_ ? png_create_info_struct(png_) : nullptr) {}
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<Picture> read(std::size_t pixels_max) {
    if (!info_) return fail(Code::internal, "libpng cannot start");
    TRY(step([this] {
      png_set_read_fn(png_, &source_, read_bytes);
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_set_chunk_malloc_max(png_, chunk_bytes_max);
      png_set_chunk_cache_max(png_, chunks_max);
      png_read_info(png_, info_);
    }));
    Picture picture;
    picture.image.width = png_get_image_width(png_, info_);
    picture.image.height = png_get_image_height(png_, info_);
    TRY(check_pixels(picture.image.width, picture.image.height, pixels_max));
    TRY(step([this] { ask_for_eight_bits(); }));
    const std::size_t channels = png_get_channels(png_, info_);
    const std::size_t row_bytes = png_get_rowbytes(png_, info_);
    if ((channels != 3 && channels != 4) || row_bytes != picture.image.width * channels)
      return fail(Code::internal, "libpng gives {} channels in {} bytes", channels, row_bytes);
    std::string pixels(row_bytes * picture.image.height, '\0');
    std::vector<png_bytep> rows;
    for (std::size_t y = 0; y < picture.image.height; ++y)
      rows.push_back(reinterpret_cast<png_bytep>(pixels.data() + y * row_bytes));
    png_bytepp all_rows = rows.data();
    TRY(step([this, all_rows] {
      png_read_image(png_, all_rows);
      png_read_end(png_, info_);
    }));
    picture.image.rgb = channels == 4 ? over_white(pixels) : std::move(pixels);
    png_bytep exif = nullptr;
    png_uint_32 exif_bytes = 0;
    if (png_get_eXIf_1(png_, info_, &exif_bytes, &exif) != 0 && exif != nullptr)
      picture.orientation = exif_orientation({reinterpret_cast<const char*>(exif), exif_bytes});
    return picture;
  }

 private:
  void ask_for_eight_bits() {
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  /// Calls of libpng; the function owns nothing.
  template <typename Calls>
  Result<void> step(const Calls& calls) {
    if (setjmp(png_jmpbuf(png_)) == 0) {
      calls();
      return {};
    }
    return fail(Code::invalid_argument, "the PNG picture is damaged: {}", source_.message);
  }

  Source source_;
  png_structp png_;
  png_infop info_;
};

}  // namespace

Result<Picture> decode_png(std::string_view bytes, std::size_t pixels_max) {
  return Reader(bytes).read(pixels_max);
}

}  // namespace slipway::documents::detail
