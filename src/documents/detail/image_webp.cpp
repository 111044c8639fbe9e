#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "documents/detail/image_decoders.hpp"

namespace slipway::documents::detail {

namespace {

Error damaged() { return fail(Code::invalid_argument, "the WebP picture is damaged or cut"); }

Result<std::string> first_frame(const WebPData& data, std::size_t pixels) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) return fail(Code::internal, "libwebp cannot start");
  options.color_mode = MODE_RGBA;
  options.use_threads = 0;
  const std::unique_ptr<WebPAnimDecoder, void (*)(WebPAnimDecoder*)> decoder(
      WebPAnimDecoderNew(&data, &options), WebPAnimDecoderDelete);
  std::uint8_t* rgba = nullptr;  // Belongs to the decoder.
  int time_ms = 0;
  if (!decoder || !WebPAnimDecoderGetNext(decoder.get(), &rgba, &time_ms)) return damaged();
  return over_white({reinterpret_cast<const char*>(rgba), pixels * 4});
}

int orientation_of(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
    std::string_view exif(reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size);
    // Some writers keep the mark that only JPEG needs.
    if (exif.starts_with(std::string_view("Exif\0\0", 6))) exif.remove_prefix(6);
    orientation = exif_orientation(exif);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

}  // namespace

Result<Picture> decode_webp(std::string_view bytes, std::size_t pixels_max) {
  const WebPData data{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemux(&data),
                                                                     WebPDemuxDelete);
  if (!demuxer) return damaged();
  const auto get = [&](WebPFormatFeature feature) { return WebPDemuxGetI(demuxer.get(), feature); };
  Picture picture;
  picture.image.width = get(WEBP_FF_CANVAS_WIDTH);
  picture.image.height = get(WEBP_FF_CANVAS_HEIGHT);
  TRY(check_pixels(picture.image.width, picture.image.height, pixels_max));
  const std::size_t pixels = picture.image.width * picture.image.height;
  if ((get(WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG) != 0) {
    picture.image.rgb = TRY(first_frame(data, pixels));
  } else {
    int width = 0, height = 0;
    if (!WebPGetInfo(data.bytes, data.size, &width, &height)) return damaged();
    if (static_cast<std::size_t>(width) != picture.image.width ||
        static_cast<std::size_t>(height) != picture.image.height)
      return damaged();
    std::string rgba(pixels * 4, '\0');
    if (WebPDecodeRGBAInto(data.bytes, data.size, reinterpret_cast<std::uint8_t*>(rgba.data()),
                           rgba.size(), width * 4) == nullptr)
      return damaged();
    picture.image.rgb = over_white(rgba);
  }
  picture.orientation = orientation_of(demuxer.get());
  return picture;
}

}  // namespace slipway::documents::detail
