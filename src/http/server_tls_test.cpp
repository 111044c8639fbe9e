#include <doctest/doctest.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "http/detail/identity_for_tests.hpp"
#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using namespace std::chrono_literals;

namespace {

/// A blocking TLS client on a raw one's socket.
class TlsClient {
 public:
  explicit TlsClient(int port, const Identity* identity = nullptr, int version = TLS1_3_VERSION)
      : raw_(port), context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    SSL_CTX_set_max_proto_version(context_.get(), version);
    if (identity != nullptr) {
      SSL_CTX_use_certificate(context_.get(), identity->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), identity->key.get());
    }
    const timeval patience{5, 0};
    setsockopt(raw_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssl_.reset(SSL_new(context_.get()));
    static constexpr unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_.get(), protocols, sizeof protocols - 1);
    SSL_set_fd(ssl_.get(), raw_.fd());
    is_open_ = SSL_connect(ssl_.get()) == 1;
  }
  bool is_open() const { return is_open_; }
  std::string server_name() const {
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()), &X509_free);
    char text[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, text, 256);
    return text;
  }
  std::string protocol() const {
    const unsigned char* text = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &text, &size);
    return std::string(reinterpret_cast<const char*>(text), size);
  }
  /// All that comes for a request that closes its connection.
  std::string ask(const std::string& path, std::size_t body_bytes = 0) {
    const std::string request =
        fmt::format(
            "POST {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", path,
            body_bytes) +
        std::string(body_bytes, 'x');
    if (SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) return {};
    std::string all;
    char block[16384];
    for (int size = 0; (size = SSL_read(ssl_.get(), block, sizeof block)) > 0;)
      all.append(block, static_cast<std::size_t>(size));
    return all;
  }

 private:
  RawClient raw_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, SslDeleter> ssl_;
  bool is_open_ = false;
};

void tell(const ExchangePtr& exchange) {
  const Request& request = exchange->request();
  exchange->reply({.body = fmt::format("{} {} [{}] ", request.is_secure ? "secure" : "plain",
                                       request.body.size(), request.client_name) +
                           std::string(request.body.size(), 'y')});
}

}  // namespace

TEST_CASE("requests over TLS are answered, small and large") {
  const Folder folder;
  write_pem(make_identity("one"), folder / "server");
  Server::Options options;
  options.tls = {folder / "server.crt", folder / "server.key", ""};
  const auto server = serve(tell, options);
  CHECK(server->url().starts_with("https://"));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{3'000'000}}) {
      TlsClient client(server->port(), nullptr, version);
      REQUIRE(client.is_open());
      CHECK(client.protocol() == "http/1.1");
      CHECK(client.server_name() == "one");
      const std::string answer = client.ask("/", size);
      CHECK(answer.starts_with("HTTP/1.1 200 OK"));
      CHECK(answer.find(fmt::format("secure {} [] ", size)) != std::string::npos);
      CHECK(std::count(answer.begin(), answer.end(), 'y') >= static_cast<std::ptrdiff_t>(size));
    }
}

TEST_CASE("what is not TLS is closed, also in the middle of a handshake") {
  const Folder folder;
  write_pem(make_identity("one"), folder / "server");
  Server::Options options;
  options.header_timeout = 100ms;
  options.tls = {folder / "server.crt", folder / "server.key", ""};
  const auto server = serve(tell, options);
  RawClient plain(server->port());
  plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(plain.is_ended());
  RawClient half(server->port());
  half.send("\x16\x03\x01\x02");
  CHECK(half.is_ended());
  RawClient silent(server->port());
  CHECK(silent.is_ended());
  CHECK(TlsClient(server->port()).ask("/").starts_with("HTTP/1.1 200"));
}

TEST_CASE("with mutual TLS a client proves who it is") {
  const Folder folder;
  const Identity authority = make_identity("authority");
  const Identity anna = make_identity("anna", &authority);
  const Identity stranger = make_identity("stranger");
  write_pem(make_identity("one"), folder / "server");
  write_pem(authority, folder / "authority");
  Server::Options options;
  options.tls = {folder / "server.crt", folder / "server.key", folder / "authority.crt"};
  const auto server = serve(tell, options);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient known(server->port(), &anna, version);
    CHECK(known.ask("/").find("secure 0 [CN=anna]") != std::string::npos);
    TlsClient nobody(server->port(), nullptr, version);
    CHECK((!nobody.is_open() || nobody.ask("/").empty()));
    TlsClient other(server->port(), &stranger, version);
    CHECK((!other.is_open() || other.ask("/").empty()));
  }
}

TEST_CASE("certificates are renewed without a restart, and bad ones change nothing") {
  const Folder folder;
  write_pem(make_identity("one"), folder / "server");
  Server::Options options;
  options.tls = {folder / "server.crt", folder / "server.key", ""};
  const auto server = serve(tell, options);
  TlsClient before(server->port());
  write_pem(make_identity("two"), folder / "server");
  CHECK(server->reload_tls());
  CHECK(TlsClient(server->port()).server_name() == "two");
  CHECK(before.ask("/").starts_with("HTTP/1.1 200"));
  REQUIRE(write_file_atomically(folder / "server.crt", "nonsense"));
  const auto bad = server->reload_tls();
  REQUIRE(!bad);
  CHECK(bad.error().code() == Code::invalid_argument);
  CHECK(bad.error().message().find("server.crt") != std::string::npos);
  write_pem(make_identity("three"), folder / "other");
  std::filesystem::rename(folder / "other.crt", folder / "server.crt");
  CHECK(server->reload_tls().error().message().find("key") != std::string::npos);
  CHECK(TlsClient(server->port()).server_name() == "two");
}
