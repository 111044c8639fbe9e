// A server on a free port, for tests.
#pragma once

#include <doctest/doctest.h>

#include <thread>

#include "core/guarded.hpp"
#include "http/raw_client.hpp"
#include "http/server.hpp"

namespace slipway::http {

inline std::unique_ptr<Server> serve(ExchangeHandler handler, Server::Options options = {}) {
  options.port = 0;
  auto server = Server::start(std::move(options), std::move(handler));
  REQUIRE_MESSAGE(server, server.error().message());
  return std::move(*server);
}

/// Waits for what other threads bring about.
template <typename Holds>
bool soon(Holds holds, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Keeps the exchanges that it gets, until a test answers them.
class Keeper {
 public:
  ExchangeHandler handler() {
    return [this](const ExchangePtr& exchange) {
      kept_.with([&](auto& kept) { kept.push_back(exchange); });
    };
  }
  /// The next one, waited for.
  ExchangePtr take() {
    ExchangePtr taken;
    REQUIRE(soon([&] {
      kept_.with([&](auto& kept) {
        if (kept.empty()) return;
        taken = std::move(kept.front());
        kept.erase(kept.begin());
      });
      return taken != nullptr;
    }));
    return taken;
  }
  bool empty() {
    return kept_.with([](auto& kept) { return kept.empty(); });
  }

 private:
  Guarded<std::vector<ExchangePtr>> kept_;
};

/// Collects the lines of the access log.
class AccessLog {
 public:
  std::function<void(const AccessRecord&)> sink() {
    return [this](const AccessRecord& record) {
      records_.with([&](auto& records) { records.push_back(record); });
    };
  }
  /// The record number `i`, waited for.
  AccessRecord at(std::size_t i) {
    AccessRecord found;
    REQUIRE(soon([&] {
      return records_.with([&](auto& records) {
        if (records.size() <= i) return false;
        found = records[i];
        return true;
      });
    }));
    return found;
  }

 private:
  Guarded<std::vector<AccessRecord>> records_;
};

}  // namespace slipway::http
