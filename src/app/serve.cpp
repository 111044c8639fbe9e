// `slipway serve`: the edge in front, a service behind it that a new configuration replaces whole.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/commands.hpp"
#include "app/detail/access_log.hpp"
#include "app/detail/mcp_offer.hpp"
#include "app/detail/server_metrics.hpp"
#include "app/detail/service.hpp"
#include "app/interrupt.hpp"
#include "app/version.hpp"
#include "core/duration.hpp"
#include "core/log.hpp"
#include "gateway/faces.hpp"
#include "http/loopback.hpp"

namespace slipway::app {

namespace {

/// With edge, upstream, gateway and log that makes at most 16 threads while models rest.
constexpr std::size_t default_workers = 6;
constexpr std::size_t worker_queue_max = 1024;
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

/// Makes the folder of uploads, and takes away what a server that was killed left there.
void tidy_uploads(const std::filesystem::path& folder) {
  std::error_code error;  // What is in the way is told by the first upload.
  std::filesystem::create_directories(folder, error);
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (std::filesystem::last_write_time(*at, ignored) < old) std::filesystem::remove(*at, ignored);
  }
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
  Running(App& app, const ServeOptions& options) : app_(app), options_(options) {}

  Result<void> start() {
    const LoadedConfig loaded = TRY(load());
    TRY(open_foundations(loaded.config));
    TRY(take_over(loaded));
    return listen(loaded.config.server);
  }

  /// Until Ctrl-C or SIGTERM.
  void run(const Hangup& hangup) {
    const std::stop_callback at_end(app_.context().stop(), [this] { current()->begin_drain(); });
    auto next_tick = std::chrono::steady_clock::now() + tick;
    while (!app_.context().stop().stop_requested()) {
      if (hangup.wait(std::chrono::milliseconds(100))) reload();
      if (std::chrono::steady_clock::now() < next_tick) continue;
      next_tick = std::chrono::steady_clock::now() + tick;
      if (const auto refreshed = foundations_->keys.refresh(); !refreshed)
        log::warning("keys: {}", refreshed.error().message());
      current()->tick();
    }
    current()->begin_drain();  // Also of a service that took over at the last moment.
    if (Interrupt::exit_code() == 128 + SIGTERM) std::this_thread::sleep_for(notice_of_end);
    app_.note(fmt::format("ending; running answers have {}", format_duration(drain_)));
    if (!server_->drain(drain_)) log::warning("answers were cut off at the end of the patience");
  }

  const http::Server& server() const { return *server_; }

 private:
  std::shared_ptr<detail::Service> current() const {
    return service_.with([](const auto& service) { return service; });
  }

  Result<LoadedConfig> load() {
    LoadedConfig loaded = TRY(app_.load_config_again());
    if (!options_.host.empty()) loaded.config.server.host = options_.host;
    if (options_.port) loaded.config.server.port = *options_.port;
    return loaded;
  }

  Result<void> open_foundations(const Config& config) {
    store::Database& database = *TRY(app_.database(DataFolder::may_be_made));
    keys_ = TRY(access::Keys::open(database));
    upstream_ = TRY(http::Upstream::make({}));
    jobs_ = TRY(api::Jobs::open({.database = database}));
    evaluations_ = std::make_unique<eval::EvaluationStore>(
        eval::EvaluationStore::Options{.database = database});
    TRY(evaluations_->take_stock({}));
    workers_ = std::make_unique<Pool>(Pool::Options{
        .threads = config.server.workers == 0 ? default_workers : config.server.workers,
        .queue_max = worker_queue_max});
    tracing_ = TRY(detail::Tracing::open({.config = config.traces,
                                          .database = database,
                                          .workers = *workers_,
                                          .metrics = metrics_}));
    budgeting_ = TRY(detail::Budgeting::open(
        {.database = database, .metrics = metrics_, .traces = tracing_->store()}));
    auto door = std::make_shared<ui::Door>(
        ui::Door::Options{.find_key = [this](std::string_view key) { return keys_->find(key); }});
    agents_ = TRY(detail::Agenting::open({.data = TRY(app_.data_folder()),
                                          .library = library_,
                                          .ledger = budgeting_->ledger(),
                                          .recorder = tracing_->recorder()}));
    keeper_ = TRY(langgraph::Keeper::open({.host = agents_->host(),
                                           .runtime = agents_->runtime(),
                                           .database = database,
                                           .client = *webhooks_,
                                           .version = std::string(version_number)}));
    mcp_offer_ = detail::make_mcp_offer(
        {.library = [this] { return library_.with([](const auto& library) { return library; }); },
         .agents = &agents_->host()});
    mcp_ = mcp::Server::make({.offer = *mcp_offer_});
    foundations_.emplace(detail::Foundations{.database = database,
                                             .blobs = *TRY(app_.blobs(DataFolder::may_be_made)),
                                             .keys = *keys_,
                                             .metrics = metrics_,
                                             .upstream = *upstream_,
                                             .jobs = *jobs_,
                                             .workers = *workers_,
                                             .door = std::move(door),
                                             .gateway = gateway_,
                                             .library = library_,
                                             .tracing = *tracing_,
                                             .budgeting = *budgeting_,
                                             .evaluations = *evaluations_,
                                             .agents = *agents_,
                                             .waiters = waiters_,
                                             .langgraph = keeper_,
                                             .mcp = *mcp_});
    judging_.emplace(*tracing_);
    tidy_uploads(detail::uploads_folder(database));
    detail::observe_process(metrics_, version_number);
    return {};
  }

  /// Lets serve what `loaded` says, if all of it is right.
  Result<void> take_over(const LoadedConfig& loaded) {
    auto next = TRY(detail::Service::build(loaded, *foundations_));
    TRY(keys_->seed(loaded.config.keys));
    if (!http::is_loopback(loaded.config.server.host) && keys_->empty())
      return fail(Code::invalid_argument,
                  "others can reach {}, so API keys are needed; make one with 'slipway keys create "
                  "NAME', or declare some under 'keys' in slipway.yaml",
                  loaded.config.server.host);
    drain_ = TRY(parse_duration(loaded.config.server.drain));
    log::set_level(loaded.config.log.level);
    log::set_json(loaded.config.log.json);
    service_.with([&](auto& service) { service = std::move(next); });
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
    options.body_limit = [most = config.upload_bytes_max, of_runs = tracing_->request_bytes_max()](
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
      return current()->refuse_early(head);
    };
    server_ =
        TRY(http::Server::start(std::move(options), [this](const http::ExchangePtr& exchange) {
          current()->answer(exchange);
        }));
    detail::observe_edge(metrics_, [this] { return server_->stats(); });
    return {};
  }

  App& app_;
  const ServeOptions options_;
  std::chrono::milliseconds drain_{30'000};
  http::Metrics metrics_;
  detail::RequestMetrics request_metrics_{metrics_};
  std::optional<detail::AccessLog> access_log_;
  std::unique_ptr<access::Keys> keys_;
  std::unique_ptr<http::Upstream> upstream_;
  std::unique_ptr<detail::Tracing> tracing_;
  std::unique_ptr<detail::Budgeting> budgeting_;
  Guarded<std::shared_ptr<rag::Library>> library_;
  std::unique_ptr<detail::Agenting> agents_;  ///< The gateway asks them.
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<eval::EvaluationStore> evaluations_;
  /// Callers choose the URLs.
  std::unique_ptr<http::Client> webhooks_ =
      http::Client::make({.timeout = std::chrono::seconds(10), .reach = http::Reach::public_only});
  std::shared_ptr<langgraph::Keeper> keeper_;
  std::unique_ptr<mcp::Offer> mcp_offer_;
  std::unique_ptr<mcp::Server> mcp_;
  std::optional<detail::Foundations> foundations_;
  /// Before the gateway ends, nobody asks it any more.
  struct JudgingEnds {
    detail::Tracing& tracing;
    ~JudgingEnds() { tracing.end_judging(); }
  };
  std::optional<JudgingEnds> judging_;
  // From here on things use those above, and end before them.
  Guarded<std::shared_ptr<detail::Service>> service_;
  std::unique_ptr<api::Jobs> jobs_;
  std::unique_ptr<Pool> workers_;
  api::Waiters waiters_;
  std::unique_ptr<http::Server> server_;
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
