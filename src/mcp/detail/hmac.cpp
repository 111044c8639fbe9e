#include "mcp/detail/hmac.hpp"

#include "core/files.hpp"

namespace slipway::mcp::detail {

namespace {

constexpr std::size_t block_bytes = 64;

int hex_value(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

}  // namespace

std::string sha256_bytes(std::string_view bytes) {
  const std::string text = sha256(bytes);
  const std::string_view hex = std::string_view(text).substr(text.find(':') + 1);
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(hex_value(hex[i]) << 4 | hex_value(hex[i + 1]));
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string block = key.size() > block_bytes ? sha256_bytes(key) : std::string(key);
  block.resize(block_bytes, '\0');
  std::string inner = block, outer = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return sha256_bytes(outer + sha256_bytes(inner.append(bytes)));
}

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

}  // namespace slipway::mcp::detail
