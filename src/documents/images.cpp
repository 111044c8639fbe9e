#include "documents/images.hpp"

#include <cstdint>
#include <cstring>

#include "core/sandbox.hpp"
#include "documents/detail/bytes.hpp"
#include "documents/detail/image_decoders.hpp"
#include "documents/detail/loaders.hpp"

namespace slipway::documents {

namespace {

constexpr std::string_view entry = "decode-image";
constexpr std::size_t channels = 3;
constexpr std::size_t size_bytes = 2 * sizeof(std::uint64_t);

/// The pixels with the size behind them, so that neither side has to copy them.
Result<std::string> decode_in_child(std::string_view input) {
  detail::ByteReader in(input);
  const std::uint64_t pixels_max = in.number();
  if (!in.ok()) return fail(Code::internal, "the task of the picture decoder is damaged");
  Image image = TRY(detail::decode_any_image(input.substr(input.size() - in.left()), pixels_max));
  std::string reply = std::move(image.rgb);
  for (const std::uint64_t side : {std::uint64_t{image.width}, std::uint64_t{image.height}})
    reply.append(reinterpret_cast<const char*>(&side), sizeof side);
  return reply;
}

const SandboxRegistration registration(entry, &decode_in_child);

/// Trusts nothing: the child may have been taken over by the picture.
Result<Image> read_reply(std::string reply, std::size_t pixels_max) {
  if (reply.size() > size_bytes) {
    std::uint64_t sides[2];
    std::memcpy(sides, reply.data() + reply.size() - size_bytes, size_bytes);
    const auto [width, height] = sides;
    reply.resize(reply.size() - size_bytes);
    if (detail::check_pixels(width, height, pixels_max) &&
        reply.size() == width * height * channels)
      return Image{width, height, std::move(reply)};
  }
  return fail(Code::invalid_argument, "made its decoder give a damaged reply");
}

}  // namespace

std::string_view image_media_type(std::string_view bytes) {
  const std::string_view type = detail::image_type(bytes);
  return type == "image/tiff" ? std::string_view() : type;
}

Result<Image> decode_image(const Context& context, std::string_view bytes,
                           const ImageOptions& options) {
  TRY(context.check());
  if (bytes.empty()) return fail(Code::invalid_argument, "the picture is empty");
  if (bytes.size() > options.bytes_max)
    return fail(Code::invalid_argument, "a picture of {} bytes is larger than the limit of {}",
                bytes.size(), options.bytes_max);
  if (image_media_type(bytes).empty())
    return fail(Code::unsupported, "is no picture that can be read: PNG, JPEG, WebP and GIF can");
  detail::ByteWriter task;
  task.number(options.pixels_max);
  std::string input = task.take();
  input += bytes;
  SandboxLimits limits;
  limits.timeout = options.timeout;
  limits.memory_bytes_max = options.memory_bytes_max;
  limits.output_bytes_max = options.pixels_max * channels + size_bytes;
  auto output = run_sandboxed(context, entry, input, limits);
  if (!output) return std::move(output.error()).within("decoding the picture");
  return read_reply(std::move(output->out), options.pixels_max);
}

}  // namespace slipway::documents
