// Bytes in and out of one connected socket, plain or TLS, never waiting.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>

#include "core/result.hpp"
#include "http/server.hpp"

namespace slipway::http::detail {

struct SslContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::shared_ptr<SSL_CTX>;

/// Reads the files. Fails: invalid_argument, naming the file.
Result<SslContext> load_tls(const TlsOptions& options);
/// For connections to servers, which must prove who they are by an authority in the PEM file
/// `ca_file`, or, if that is empty, by one of the system's. Fails: as above.
Result<SslContext> trust_servers(const std::string& ca_file);

/// What came of trying to read or write.
struct Progress {
  enum class State { some, wants_read, wants_write, ended, failed };
  State state = State::some;
  std::size_t bytes = 0;
};

/// Does not own the descriptor: that is its caller's.
class Transport {
 public:
  /// Of an accepted socket. `tls` null: plain.
  Transport(int fd, const SslContext& tls);
  /// The other end: `host`, a name or an address, is who the server must prove to be.
  static Transport to_server(int fd, const SslContext& tls, const std::string& host);

  int descriptor() const { return fd_; }
  bool is_secure() const { return ssl_ != nullptr; }
  /// Plain ones are ready at once (`some`).
  Progress handshake();
  Progress read(std::span<char> buffer);
  Progress write(std::span<const iovec> pieces);
  /// Says that nothing more will be written.
  void end_writing();
  /// Whether bytes that came are waiting in the TLS layer, where no poll sees them.
  bool has_pending() const { return ssl_ != nullptr && SSL_pending(ssl_.get()) > 0; }
  /// Subject of the certificate that the peer proved; else empty.
  std::string peer_name() const;
  /// Why the handshake with a server failed.
  std::string trust_error() const;

 private:
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  explicit Transport(int fd) : fd_(fd) {}
  Progress judge(int result) const;

  int fd_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
};

}  // namespace slipway::http::detail
