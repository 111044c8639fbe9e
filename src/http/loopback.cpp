#include "http/loopback.hpp"

namespace slipway::http {

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host == "::1" ||
         // An address, not a name: "127.evil.example" is anybody's.
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.rfind(':'));
}

}  // namespace slipway::http
