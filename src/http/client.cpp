// Blocking calls over curl's multi interface.
//
// Why multi for one transfer: `curl_easy_perform` cannot be interrupted while it waits for a silent
// peer (its progress callback runs once a second). `curl_multi_poll` can be woken from any thread,
// so a stop request ends the call at once, and the deadline is exact to a few milliseconds.
// Each multi handle keeps its own connections; the most recently used one is taken first, so that
// calls one after another use the same connection and idle ones are closed by the peer, not held.
#include "http/client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <climits>

#include "core/fault.hpp"
#include "core/guarded.hpp"
#include "http/detail/transfer.hpp"

namespace slipway::http {

namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t idle_lines_max = 16;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

/// Refuses what curl would take but we must not send: other schemes, control characters.
Result<std::unique_ptr<CURLU, UrlDeleter>> parse_url(const std::string& text) {
  std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
  if (code != CURLUE_OK || text.find('\0') != std::string::npos)
    return fail(Code::invalid_argument, "'{}' is not a URL ({}); write http://HOST[:PORT]/PATH",
                redact_url(text), curl_url_strerror(code));
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    return fail(Code::invalid_argument, "'{}' has the scheme '{}'; only http and https are spoken",
                redact_url(text), scheme);
  return url;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

bool is_token(std::string_view text) {
  const auto is_token_character = [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

/// A line break in a value would let it add headers of its own.
Result<void> check_head(const ClientRequest& request) {
  if (!is_token(request.method))
    return fail(Code::invalid_argument, "'{}' is not an HTTP method", request.method);
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return fail(Code::invalid_argument, "'{}' is not a header name", name);
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return fail(Code::invalid_argument, "the value of header {} has a line break in it", name);
  }
  return {};
}

class CurlClient final : public Client {
 public:
  explicit CurlClient(Options options) : options_(options) {
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    SLIPWAY_ASSERT(ready);
  }

  Result<ClientResponse> send(const Context& context, const ClientRequest& request,
                              const BodySink& sink) override {
    TRY(context.check());
    TRY(check_head(request));
    const auto url = TRY(parse_url(request.url));
    TRY(fault_point(FaultKind::network, "send"));
    auto line = take_line();
    auto response =
        transfer_on(*line, context, request, sink, is_loopback(part_of(url.get(), CURLUPART_HOST)));
    give_back(std::move(line));
    return response;
  }

 private:
  /// A function of its own: the transfer must have let go of the line before another thread gets
  /// it.
  Result<ClientResponse> transfer_on(detail::Line& line, const Context& context,
                                     const ClientRequest& request, const BodySink& sink,
                                     bool stays_here) {
    detail::Transfer transfer(line, request, sink, options_);
    if (stays_here) transfer.avoid_proxy();
    return transfer.run(context);
  }

  std::unique_ptr<detail::Line> take_line() {
    auto line = idle_.with([](auto& idle) {
      std::unique_ptr<detail::Line> taken;
      if (!idle.empty()) {
        taken = std::move(idle.back());
        idle.pop_back();
      }
      return taken;
    });
    return line ? std::move(line) : std::make_unique<detail::Line>();
  }

  void give_back(std::unique_ptr<detail::Line> line) {
    idle_.with([&](auto& idle) {
      if (idle.size() < idle_lines_max) idle.push_back(std::move(line));
    });
  }

  const Options options_;
  Guarded<std::vector<std::unique_ptr<detail::Line>>> idle_;
};

}  // namespace

std::unique_ptr<Client> Client::make(Options options) {
  return std::make_unique<CurlClient>(options);
}

std::string redact_url(std::string_view url) {
  url = url.substr(0, std::min(url.find_first_of("?#"), std::size_t{300}));
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const std::size_t host = scheme + 3;
  const std::string_view authority = url.substr(host, url.find('/', host) - host);
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  return fmt::format("{}{}", url.substr(0, host), url.substr(host + at + 1));
}

}  // namespace slipway::http
