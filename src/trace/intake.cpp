#include "trace/intake.hpp"

#include "core/log.hpp"

namespace slipway::trace {

void Intake::take(const http::ExchangePtr& exchange, const Refuse& refuse,
                  std::function<void(const http::ExchangePtr&)> work) {
  const std::size_t size = exchange->request().body.size();
  if (size > options_.request_bytes_max)
    return refuse(exchange, 413,
                  fmt::format("the body has {} bytes, at most {} are taken", size,
                              options_.request_bytes_max));
  const std::size_t before = queued_bytes_.fetch_add(size);
  const auto give_up = [&](const std::string& why) {
    queued_bytes_ -= size;
    refuse(exchange, 503, why);
  };
  if (before + size > options_.queued_bytes_max)
    return give_up(fmt::format(
        "{} bytes of traces wait to be written already; send this again a little later", before));
  const auto taken =
      options_.workers.try_submit([this, exchange, refuse, size, work = std::move(work)] {
        try {
          work(exchange);
        } catch (const std::exception& exception) {
          log::error("request {} {}: {}", exchange->request().id, exchange->request().path,
                     exception.what());
          refuse(exchange, 500, "an error of the server; its log tells more");
        }
        queued_bytes_ -= size;
      });
  if (!taken) give_up("all workers are busy; send this again a little later");
}

}  // namespace slipway::trace
