// Blocking calls over curl's multi interface.
//
// Why multi for one transfer: `curl_easy_perform` cannot be interrupted while it waits for a silent
// peer (its progress callback runs once a second). `curl_multi_poll` can be woken from any thread,
// so a stop request ends the call at once, and the deadline is exact to a few milliseconds.
// Each multi handle keeps its own connections; the most recently used one is taken first, so that
// calls one after another use the same connection and idle ones are closed by the peer, not held.
#include "http/client.hpp"

#include <algorithm>

#include "core/fault.hpp"
#include "core/guarded.hpp"
#include "http/detail/curl_request.hpp"
#include "http/detail/transfer.hpp"

namespace slipway::http {

namespace {

constexpr std::size_t idle_lines_max = 16;

class CurlClient final : public Client {
 public:
  explicit CurlClient(Options options) : options_(options) { detail::start_curl(); }

  Result<ClientResponse> send(const Context& context, const ClientRequest& request,
                              const BodySink& sink) override {
    TRY(context.check());
    const auto target = TRY(detail::check_request(request));
    TRY(fault_point(FaultKind::network, "send"));
    auto line = take_line();
    auto response = transfer_on(*line, context, request, sink, target.is_loopback);
    // After a host that has no address curl 7.88 keeps a buffer with the handle, and then refuses
    // to be told its size again.
    if (response) give_back(std::move(line));
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
