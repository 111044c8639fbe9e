// One request and its response on a curl handle.
#pragma once

#include <curl/curl.h>

#include <array>
#include <exception>
#include <string>

#include "http/client.hpp"
#include "http/detail/curl_request.hpp"

namespace slipway::http::detail {

/// A curl multi handle with one easy handle; keeps its connections between transfers.
struct Line {
  Line();
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  CURLM* multi;
  CURL* easy;
};

/// Runs once. Everything given must outlive it.
class Transfer {
 public:
  Transfer(Line& line, const ClientRequest& request, const BodySink& sink,
           const Client::Options& options);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// A proxy of the environment cannot reach what listens on this machine only.
  void avoid_proxy();
  Result<ClientResponse> run(const Context& context);

 private:
  enum class Stopped { no, by_sink, too_long, headers_too_long };

  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self);
  void set_up();
  void take_header(std::string_view line);
  bool take_body(std::string_view piece);
  Result<CURLcode> wait(const Context& context);
  Error explain(CURLcode code) const;
  /// What a failure says of it at the end.
  std::string_view sent_or_not() const;

  Line& line_;
  const ClientRequest& request_;
  const BodySink& sink_;
  const Client::Options& options_;
  ClientResponse response_;
  std::size_t header_bytes_ = 0;
  Stopped stopped_ = Stopped::no;
  std::exception_ptr thrown_;
  HeaderList headers_;
  PublicOnly public_only_;
  std::array<char, CURL_ERROR_SIZE> message_{};
};

}  // namespace slipway::http::detail
