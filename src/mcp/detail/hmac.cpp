#include "mcp/detail/hmac.hpp"

#include "core/files.hpp"
#include "core/hex.hpp"

namespace slipway::mcp::detail {

namespace {

constexpr std::size_t block_bytes = 64;

}  // namespace

std::string sha256_bytes(std::string_view bytes) {
  const std::string text = sha256(bytes);
  return hex::decode(std::string_view(text).substr(text.find(':') + 1));
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string block = key.size() > block_bytes ? sha256_bytes(key) : std::string(key);
  block.resize(block_bytes, '\0');
  std::string inner = block, outer = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return sha256_bytes(outer + sha256_bytes(inner.append(bytes)));
}

}  // namespace slipway::mcp::detail
