#include "core/secret.hpp"

#include <cstdlib>

#include "core/files.hpp"
#include "core/unicode.hpp"

namespace slipway {

namespace {
constexpr std::size_t secret_bytes_max = 16u << 10;
}  // namespace

Result<std::string> resolve_secret(std::string_view setting, const std::string& reference) {
  if (reference.empty()) return std::string();
  std::string secret;
  if (reference.starts_with("env:")) {
    const std::string name = reference.substr(4);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0')
      return fail(Code::invalid_argument, "{}: the variable {} is not set; export it", setting,
                  name);
    secret = unicode::trim(value);
  } else if (reference.starts_with("file:")) {
    secret = unicode::trim(TRY(read_file(reference.substr(5), secret_bytes_max).within(setting)));
    if (secret.empty())
      return fail(Code::invalid_argument, "{}: the file {} is empty", setting, reference.substr(5));
  } else {
    // Not shown: it may well be the secret itself.
    return fail(Code::invalid_argument, "{}: write env:NAME or file:PATH, not the {} itself",
                setting, setting.substr(setting.find_last_of(". ") + 1));
  }
  for (const char c : secret)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      return fail(Code::invalid_argument,
                  "{}: what {} holds is no {}: it has white space or other characters that cannot "
                  "be sent",
                  setting, reference, setting.substr(setting.find_last_of(". ") + 1));
  return secret;
}

bool equals_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

}  // namespace slipway
