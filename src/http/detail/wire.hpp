// A connection to an upstream server, plain or TLS.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "http/detail/reactor.hpp"
#include "http/detail/transport.hpp"

namespace slipway::http::detail {

class Wire;

/// Who speaks on a wire at the moment.
class Speaker {
 public:
  virtual ~Speaker() = default;
  /// Bytes may have come, may go, or the connection has ended; may be told without a cause. The
  /// wire may be gone when it returns.
  virtual void on_wire(Wire& wire) = 0;
};

/// On its reactor's thread.
class Wire final : public Watcher {
 public:
  /// Takes the connected socket. `tls` null: plain; else a context of `trust_servers`, and `host`
  /// is whom the certificate must name. The reactor must outlive it.
  Wire(Reactor& reactor, int fd, const SslContext& tls, const std::string& host);
  ~Wire() override;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// To be asked again, when the reactor tells, until it is `some` or `failed`.
  Progress handshake() { return transport_.handshake(); }
  /// Why that failed.
  std::string handshake_error() const { return transport_.trust_error(); }
  /// The parts in one go, where that can be; at least one is not empty.
  Progress send(std::array<std::string_view, 2> parts);
  Progress receive(std::span<char> buffer) { return transport_.read(buffer); }
  /// Whether the reactor tells of everything that has come and was not received.
  bool tells_all() const { return !transport_.is_secure(); }

  /// Null: nobody.
  void listen(Speaker* speaker) { speaker_ = speaker; }
  enum class Want { nothing, input, both };
  /// False: the kernel refuses.
  bool want(Want want);

  void on_ready(int fd, std::uint32_t events) override;

 private:
  Reactor& reactor_;
  Transport transport_;
  Want want_ = Want::nothing;
  Speaker* speaker_ = nullptr;
};

}  // namespace slipway::http::detail
