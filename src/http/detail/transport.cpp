#include "http/detail/transport.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace slipway::http::detail {

namespace {

using State = Progress::State;

std::string tls_error() {
  char text[256] = "unknown";
  const unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

/// Clients that ask for protocols must hear that HTTP/1.1 is the one.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> load_client_authority(SSL_CTX* context, const std::string& file) {
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(file.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return fail(Code::invalid_argument,
                "'{}' is not a PEM file of certificate authorities for clients: {}", file,
                tls_error());
  }
  SSL_CTX_set_client_CA_list(context, names);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Resumed sessions of mutual TLS need a name to belong to.
  static constexpr unsigned char session_context[] = "slipway";
  SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
  return {};
}

}  // namespace

Result<SslContext> load_tls(const TlsOptions& options) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_server_method()), SslContextDeleter());
  if (!context) return fail(Code::unavailable, "no TLS to be had: {}", tls_error());
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(
      raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle connections hold no buffers; a write that was refused may be repeated from elsewhere.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(raw, &choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, options.certificate_file.c_str()) != 1)
    return fail(Code::invalid_argument, "'{}' is not a PEM file with a certificate: {}",
                options.certificate_file, tls_error());
  if (SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Code::invalid_argument, "'{}' is not a PEM file with the certificate's key: {}",
                options.key_file, tls_error());
  if (SSL_CTX_check_private_key(raw) != 1)
    return fail(Code::invalid_argument,
                "the key in '{}' does not belong to the certificate in "
                "'{}'",
                options.key_file, options.certificate_file);
  if (!options.client_ca_file.empty()) TRY(load_client_authority(raw, options.client_ca_file));
  return context;
}

Result<SslContext> trust_servers(const std::string& ca_file) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_client_method()), SslContextDeleter());
  if (!context) return fail(Code::unavailable, "no TLS to be had: {}", tls_error());
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  static constexpr unsigned char protocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(raw, protocols, sizeof protocols - 1);
  const bool is_loaded = ca_file.empty()
                             ? SSL_CTX_set_default_verify_paths(raw) == 1
                             : SSL_CTX_load_verify_locations(raw, ca_file.c_str(), nullptr) == 1;
  if (!is_loaded)
    return fail(Code::invalid_argument, "'{}' is not a PEM file of certificate authorities: {}",
                ca_file.empty() ? "the system's default" : ca_file, tls_error());
  return context;
}

Transport Transport::to_server(int fd, const SslContext& tls, const std::string& host) {
  Transport transport(fd);
  if (!tls) return transport;
  transport.ssl_.reset(SSL_new(tls.get()));
  SSL* const ssl = transport.ssl_.get();
  SLIPWAY_ASSERT(ssl != nullptr && SSL_set_fd(ssl, fd) == 1);
  // An address is looked for among the addresses of the certificate, and is no name to ask for.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) != 1) {
    ERR_clear_error();
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SLIPWAY_ASSERT(SSL_set1_host(ssl, host.c_str()) == 1);
  }
  SSL_set_connect_state(ssl);
  return transport;
}

std::string Transport::trust_error() const {
  const long verdict = ssl_ ? SSL_get_verify_result(ssl_.get()) : X509_V_OK;
  return verdict == X509_V_OK ? "the TLS handshake failed"
                              : fmt::format("the server's certificate is not to be trusted: {}",
                                            X509_verify_cert_error_string(verdict));
}

Transport::Transport(int fd, const SslContext& tls) : fd_(fd) {
  if (!tls) return;
  ssl_.reset(SSL_new(tls.get()));
  SLIPWAY_ASSERT(ssl_ && SSL_set_fd(ssl_.get(), fd) == 1);
  SSL_set_accept_state(ssl_.get());
}

Progress Transport::judge(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {State::wants_read};
    case SSL_ERROR_WANT_WRITE: return {State::wants_write};
    case SSL_ERROR_ZERO_RETURN: return {State::ended};
    default: ERR_clear_error(); return {State::failed};
  }
}

Progress Transport::handshake() {
  if (!ssl_) return {State::some};
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Progress{State::some} : judge(result);
}

Progress Transport::read(std::span<char> buffer) {
  if (ssl_) {
    ERR_clear_error();
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
    return result == 1 ? Progress{State::some, size} : judge(result);
  }
  for (;;) {
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    if (size > 0) return {State::some, static_cast<std::size_t>(size)};
    if (size == 0) return {State::ended};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::wants_read};
    if (errno != EINTR) return {State::failed};
  }
}

Progress Transport::write(std::span<const iovec> pieces) {
  if (ssl_) {
    ERR_clear_error();
    std::size_t size = 0;
    const int result =
        SSL_write_ex(ssl_.get(), pieces.front().iov_base, pieces.front().iov_len, &size);
    return result == 1 ? Progress{State::some, size} : judge(result);
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t size = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (size >= 0) return {State::some, static_cast<std::size_t>(size)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::wants_write};
    if (errno != EINTR) return {State::failed};
  }
}

void Transport::end_writing() {
  if (ssl_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // Best effort: there is nobody left to tell.
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

std::string Transport::peer_name() const {
  if (!ssl_ || SSL_get_verify_mode(ssl_.get()) == SSL_VERIFY_NONE) return {};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      SSL_get1_peer_certificate(ssl_.get()), &X509_free);
  if (!certificate || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  X509_NAME_print_ex(memory.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace slipway::http::detail
