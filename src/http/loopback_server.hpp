// An HTTP server that does what a test tells it, byte by byte: also what no good server does.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/guarded.hpp"

namespace slipway::http {

/// Listens on a free port of 127.0.0.1 and calls the handler for every request, one thread per
/// connection. The handler writes the raw response. For tests of clients; ends with its object.
class LoopbackServer {
 public:
  struct Request {
    std::string method;
    std::string target;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
  };

  class Connection {
   public:
    Connection(int fd, const std::atomic<bool>& ending) : fd_(fd), ending_(ending) {}
    /// False when the peer has gone.
    bool send(std::string_view bytes);
    /// A whole response with its length.
    bool reply(int status, std::string_view body, std::string_view headers = "");
    bool begin_chunked(std::string_view headers = "");
    bool chunk(std::string_view bytes);
    bool end_chunked() { return send("0\r\n\r\n"); }
    /// No further request is read from this connection.
    void close() { is_closed_ = true; }
    /// As `close`, but the peer sees a reset.
    void reset();
    /// Pauses; false at once when the peer or the server goes away.
    bool wait(std::chrono::milliseconds time);
    bool is_closed() const { return is_closed_; }

   private:
    int fd_;
    const std::atomic<bool>& ending_;
    bool is_closed_ = false;
  };

  using Handler = std::function<void(const Request&, Connection&)>;

  explicit LoopbackServer(Handler handler);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  /// "http://127.0.0.1:PORT" + path.
  std::string url(std::string_view path = "") const;
  int port() const { return port_; }
  std::size_t connections() const { return connections_; }
  std::vector<Request> requests() const;

 private:
  void accept_all();
  void serve(int fd);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<std::size_t> connections_{0};
  Guarded<std::vector<Request>> requests_;
  std::list<std::thread> workers_;  ///< Touched by `acceptor_` only, then by the destructor.
  std::thread acceptor_;
};

}  // namespace slipway::http
