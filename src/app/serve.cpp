// `slipway serve`: the edge in front, a service behind it that a new configuration replaces whole.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/commands.hpp"
#include "app/detail/access_log.hpp"
#include "app/detail/backend.hpp"
#include "app/detail/server_metrics.hpp"
#include "app/interrupt.hpp"
#include "core/duration.hpp"
#include "core/log.hpp"
#include "gateway/faces.hpp"

/// jemalloc's; sanitizers bring another allocator.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old_value,
                                             std::size_t* old_size, void* new_value,
                                             std::size_t new_size);

namespace slipway::app {

namespace {

/// Memory that was free for ten seconds goes back to the system, also when nobody allocates.
void give_back_memory() {
  constexpr const char* every_arena = "arena.4096.decay";  // MALLCTL_ARENAS_ALL
  if (mallctl != nullptr) mallctl(every_arena, nullptr, nullptr, nullptr, 0);
}

/// How long readiness fails before the listener closes, after SIGTERM: load balancers need to see
/// it. A person who pressed Ctrl-C does not.
constexpr std::chrono::milliseconds notice_of_end{1000};
constexpr std::chrono::milliseconds tick{1000};

/// Each connection is a file; the limit that shells set is for programs of another kind.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// SIGHUP as something to wait for. Threads that are made later do not get it either.
class Hangup {
 public:
  Hangup() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~Hangup() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Hangup(const Hangup&) = delete;
  Hangup& operator=(const Hangup&) = delete;

  /// Whether it came within that time.
  bool wait(std::chrono::milliseconds time) const {
    const timespec patience{time.count() / 1000, (time.count() % 1000) * 1'000'000};
    return ::sigtimedwait(&signals_, nullptr, &patience) == SIGHUP;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

/// The edge and what stands behind it.
class Running {
 public:
  Running(App& app, const ServeOptions& options) : app_(app), options_(options), backend_(app) {}

  Result<void> start() {
    const LoadedConfig loaded = TRY(load());
    TRY(backend_.start(loaded));
    drain_ = TRY(parse_duration(loaded.config.server.drain));
    return listen(loaded.config.server);
  }

  /// Until Ctrl-C or SIGTERM.
  void run(const Hangup& hangup) {
    const std::stop_callback at_end(app_.context().stop(),
                                    [this] { backend_.service()->begin_drain(); });
    auto next_tick = std::chrono::steady_clock::now() + tick;
    while (!app_.context().stop().stop_requested()) {
      if (hangup.wait(std::chrono::milliseconds(100))) reload();
      if (std::chrono::steady_clock::now() < next_tick) continue;
      next_tick = std::chrono::steady_clock::now() + tick;
      backend_.tick();
      give_back_memory();
    }
    backend_.service()->begin_drain();  // Also of one that took over at the last moment.
    if (Interrupt::exit_code() == 128 + SIGTERM) std::this_thread::sleep_for(notice_of_end);
    app_.note(fmt::format("ending; running answers have {}", format_duration(drain_)));
    if (!server_->drain(drain_)) log::warning("answers were cut off at the end of the patience");
  }

  const http::Server& server() const { return *server_; }

 private:
  Result<LoadedConfig> load() {
    LoadedConfig loaded = TRY(app_.load_config_again());
    if (!options_.host.empty()) loaded.config.server.host = options_.host;
    if (options_.port) loaded.config.server.port = *options_.port;
    return loaded;
  }

  Result<void> take_over(const LoadedConfig& loaded) {
    const auto drain = TRY(parse_duration(loaded.config.server.drain));
    TRY(backend_.take_over(loaded));
    drain_ = drain;
    return {};
  }

  void reload() {
    const auto loaded = load();
    auto taken = loaded ? take_over(*loaded) : Result<void>(loaded.error());
    if (taken && !loaded->config.server.tls.cert.empty()) taken = server_->reload_tls();
    if (taken)
      log::info("the configuration was read anew");
    else
      log::error("the new configuration is refused, the old one stays: {}",
                 taken.error().message());
  }

  Result<void> listen(const ServerConfig& config) {
    if (config.access_log) access_log_.emplace(STDOUT_FILENO);
    http::Server::Options options{.host = config.host,
                                  .port = config.port,
                                  .tls = {.certificate_file = config.tls.cert,
                                          .key_file = config.tls.key,
                                          .client_ca_file = config.tls.client_ca},
                                  .body_bytes_max = config.body_bytes_max};
    options.on_access = [this](const http::AccessRecord& record) {
      request_metrics_.add(record);
      if (access_log_) access_log_->write(record);
    };
    options.body_limit = [most = config.upload_bytes_max,
                          of_runs = backend_.tracing().request_bytes_max()](
                             const http::Request& head) -> std::optional<std::size_t> {
      if (trace::is_intake_path(head.path)) return of_runs;
      if (head.path.starts_with("/api/collections/") && head.path.ends_with("/documents"))
        return most;
      return std::nullopt;
    };
    options.tell_refusal = [](const http::Request& head, int status, const std::string& why) {
      auto told = trace::dialect_refusal(head, status, why);
      if (!told) told = langgraph::refusal(head, status, why);
      return told ? told : gateway::dialect_refusal(head, status, why);
    };
    options.before_body = [this](const http::Request& head) {
      return backend_.service()->refuse_early(head);
    };
    server_ =
        TRY(http::Server::start(std::move(options), [this](const http::ExchangePtr& exchange) {
          backend_.service()->answer(exchange);
        }));
    detail::observe_edge(backend_.metrics(), [this] { return server_->stats(); });
    return {};
  }

  App& app_;
  const ServeOptions options_;
  std::chrono::milliseconds drain_{30'000};
  detail::Backend backend_;
  detail::RequestMetrics request_metrics_{backend_.metrics()};
  std::optional<detail::AccessLog> access_log_;
  std::unique_ptr<http::Server> server_;  // Last: it uses all above.
};

}  // namespace

Result<int> serve(App& app, const ServeOptions& options) {
  const Hangup hangup;
  allow_many_files();
  Running running(app, options);
  TRY(running.start());
  app.note(fmt::format("Slipway serves {}", running.server().url()));
  running.run(hangup);
  return exit_done;
}

}  // namespace slipway::app
