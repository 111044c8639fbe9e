#include "http/detail/wire.hpp"

#include <unistd.h>

namespace slipway::http::detail {

Wire::Wire(Reactor& reactor, int fd, const SslContext& tls, const std::string& host)
    : reactor_(reactor), transport_(Transport::to_server(fd, tls, host)) {}

Wire::~Wire() {
  reactor_.forget(transport_.descriptor());
  ::close(transport_.descriptor());
}

Progress Wire::send(std::array<std::string_view, 2> parts) {
  std::array<iovec, 2> pieces{};
  std::size_t count = 0;
  for (const std::string_view part : parts)
    if (!part.empty()) pieces[count++] = {const_cast<char*>(part.data()), part.size()};
  return transport_.write(std::span(pieces.data(), count));
}

bool Wire::want(Want want) {
  if (want == want_) return true;
  want_ = want;
  if (want == Want::nothing) {
    // Not a mask of nothing: a peer that hangs up would be told over and over.
    reactor_.forget(transport_.descriptor());
    return true;
  }
  const std::uint32_t events = EPOLLIN | (want == Want::both ? EPOLLOUT : 0u);
  return reactor_.watch(transport_.descriptor(), events, *this);
}

void Wire::on_ready(int, std::uint32_t) {
  if (speaker_ != nullptr) speaker_->on_wire(*this);
}

}  // namespace slipway::http::detail
