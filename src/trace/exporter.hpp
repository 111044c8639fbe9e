// Runs on their way to another OpenTelemetry collector, whichever way they came in.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "http/client.hpp"
#include "trace/config.hpp"
#include "trace/detail/ended_runs.hpp"
#include "trace/store.hpp"

namespace slipway::trace {

/// What a run was told in, had it come in one piece: for those that send it on.
RunPatch patch_of(const Run& run);

/// Sends every run once, after it has ended and been stored (so masked, and with all its pieces),
/// as OTLP in protobuf. A collector that has no time is asked again; a run that it refuses for good
/// is dropped. What waits is lost when the program ends. Safe to use from many threads.
class Exporter {
 public:
  struct Options {
    TraceStore& store;  ///< Must outlive it.
    ExportConfig config;
    std::map<std::string, std::string> headers;  ///< With their secrets.
    std::size_t runs_max = 100'000;              ///< That wait.
    std::chrono::milliseconds patience{2'000};   ///< After a run's end, for its other pieces.
    std::chrono::milliseconds pause_first{1'000}, pause_max{30'000};  ///< Between two tries.
    std::chrono::milliseconds give_up{600'000};                       ///< With one batch.
  };
  explicit Exporter(Options options);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Of what is about to be stored: never waits.
  void offer(const RunPatch& run);

  struct Counters {
    std::uint64_t exported = 0, dropped = 0;  ///< Runs.
    std::size_t waiting = 0;
  };
  Counters counters() const;

 private:
  void work(const std::stop_token& stop);
  std::vector<RunPatch> read(const Context& context, const std::vector<detail::EndedRuns::Entry>&);
  bool is_new(const Run& run);
  void send(const Context& context, const std::vector<RunPatch>& runs);

  const Options options_;
  const std::unique_ptr<http::Client> client_;
  detail::EndedRuns queue_;
  std::unordered_set<std::string> sent_;  ///< Of late, so that an export to ourselves ends.
  std::deque<std::string> sent_order_;
  std::atomic<std::uint64_t> exported_{0}, dropped_{0};
  std::jthread thread_;  // Last: it uses all above.
};

}  // namespace slipway::trace
