// IANA's special-purpose registries for IPv4 and IPv6, as far as what stands in them is not
// globally reachable.
#include "http/detail/reach.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>

namespace slipway::http::detail {

namespace {

struct Network {
  std::uint32_t first;
  int prefix;
};

constexpr std::uint32_t ip(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

constexpr Network not_public[] = {
    {ip(0, 0, 0, 0), 8},        // this network
    {ip(10, 0, 0, 0), 8},       // private
    {ip(100, 64, 0, 0), 10},    // shared by carriers
    {ip(127, 0, 0, 0), 8},      // loopback
    {ip(169, 254, 0, 0), 16},   // link-local, where clouds keep their metadata
    {ip(172, 16, 0, 0), 12},    // private
    {ip(192, 0, 0, 0), 24},     // protocol assignments
    {ip(192, 0, 2, 0), 24},     // documentation
    {ip(192, 88, 99, 0), 24},   // 6to4 relays
    {ip(192, 168, 0, 0), 16},   // private
    {ip(198, 18, 0, 0), 15},    // benchmarks
    {ip(198, 51, 100, 0), 24},  // documentation
    {ip(203, 0, 113, 0), 24},   // documentation
    {ip(224, 0, 0, 0), 4},      // multicast
    {ip(240, 0, 0, 0), 4},      // reserved, broadcast
};

bool is_public_v4(std::uint32_t address) {
  return std::none_of(std::begin(not_public), std::end(not_public), [&](const Network& network) {
    return (address ^ network.first) >> (32 - network.prefix) == 0;
  });
}

bool is_public_v6(const std::uint8_t (&bytes)[16]) {
  const auto word = [&](int i) { return bytes[2 * i] << 8 | bytes[2 * i + 1]; };
  // Global unicast is 2000::/3; all else is local, mapped, translated, multicast or unassigned.
  if ((bytes[0] & 0xe0) != 0x20) return false;
  if (word(0) == 0x2001 && word(1) < 0x0200) return false;   // Teredo, ORCHID and their like.
  if (word(0) == 0x2001 && word(1) == 0x0db8) return false;  // documentation
  if (word(0) == 0x2002) return false;                       // 6to4: an IPv4 address in disguise
  return !(word(0) == 0x3fff && word(1) < 0x1000);           // documentation
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  if (address.sa_family == AF_INET6)
    return is_public_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr);
  return false;
}

std::string address_text(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = "an address of another family";
  if (address.sa_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  if (address.sa_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text,
              sizeof text);
  return text;
}

}  // namespace slipway::http::detail
