// A client for tests of the server that sends exactly the bytes it is given.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::http {

/// One TCP connection to 127.0.0.1. Not thread safe.
class RawClient {
 public:
  /// Of an answer: what the bytes say, with a chunked body put together.
  struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
    std::map<std::string, std::string> trailers;
    bool is_whole = false;  ///< The body ended as its framing says.
  };
  static constexpr std::chrono::milliseconds patience{5'000};

  explicit RawClient(int port);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  bool is_connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// False when the peer has gone.
  bool send(std::string_view bytes);
  /// The next answer (1xx ones too); nothing when the connection ends or `wait` is over before its
  /// head. `has_body` false: it answers a HEAD.
  std::optional<Answer> read(bool has_body = true, std::chrono::milliseconds wait = patience);
  /// Sends "METHOD TARGET HTTP/1.1" with a Host, the lines and the body, and reads the answer.
  std::optional<Answer> ask(std::string_view method, std::string_view target,
                            std::string_view lines = "", std::string_view body = "");
  /// What comes until there is some; empty when the connection has ended or `wait` is over.
  std::string receive(std::chrono::milliseconds wait = patience);
  /// True when the peer ends the connection within `wait`; reads away what comes before.
  bool is_ended(std::chrono::milliseconds wait = patience);
  /// Puts bytes back, as if they were to come.
  void unread(std::string_view bytes) { pending_.insert(0, bytes); }
  void end_sending();
  void close();
  /// The peer sees a reset.
  void reset();

 private:
  bool more(std::chrono::steady_clock::time_point until);

  int fd_ = -1;
  std::string pending_;
};

}  // namespace slipway::http
