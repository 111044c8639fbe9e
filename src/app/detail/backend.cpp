#include "app/detail/backend.hpp"

#include "app/detail/server_metrics.hpp"
#include "app/version.hpp"
#include "core/log.hpp"
#include "http/loopback.hpp"

namespace slipway::app::detail {

namespace {

/// With edge, upstream, gateway and log that makes at most 16 threads while models rest.
constexpr std::size_t default_workers = 6;
constexpr std::size_t worker_queue_max = 1024;

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

}  // namespace

Result<void> Backend::start(const LoadedConfig& loaded) {
  TRY(open_foundations(loaded.config));
  TRY(take_over(loaded));
  open_door();
  return {};
}

void Backend::open_door() {
  const auto folder = app_.data_folder();
  auto door = folder ? mcp::LocalDoor::open(*mcp_, {.folder = *folder})
                     : Result<std::unique_ptr<mcp::LocalDoor>>(folder.error());
  if (door)
    door_ = *std::move(door);
  else
    log::warning("'slipway mcp serve' will have collections only: {}", door.error().message());
}

void Backend::tick() {
  if (const auto refreshed = keys_->refresh(); !refreshed)
    log::warning("keys: {}", refreshed.error().message());
  service()->tick();
}

std::shared_ptr<Service> Backend::service() const {
  return service_.with([](const auto& service) { return service; });
}

Result<void> Backend::open_foundations(const Config& config) {
  store::Database& database = *TRY(app_.database(DataFolder::may_be_made));
  keys_ = TRY(access::Keys::open(database));
  upstream_ = TRY(http::Upstream::make({}));
  jobs_ = TRY(api::Jobs::open({.database = database}));
  evaluations_ =
      std::make_unique<eval::EvaluationStore>(eval::EvaluationStore::Options{.database = database});
  TRY(evaluations_->take_stock({}));
  workers_ = std::make_unique<Pool>(
      Pool::Options{.threads = config.server.workers == 0 ? default_workers : config.server.workers,
                    .queue_max = worker_queue_max});
  tracing_ = TRY(Tracing::open(
      {.config = config.traces, .database = database, .workers = *workers_, .metrics = metrics_}));
  budgeting_ = TRY(
      Budgeting::open({.database = database, .metrics = metrics_, .traces = tracing_->store()}));
  auto door = std::make_shared<ui::Door>(
      ui::Door::Options{.find_key = [this](std::string_view key) { return keys_->find(key); }});
  agents_ = TRY(Agenting::open({.data = TRY(app_.data_folder()),
                                .library = library_,
                                .ledger = budgeting_->ledger(),
                                .recorder = tracing_->recorder()}));
  keeper_ = TRY(langgraph::Keeper::open({.host = agents_->host(),
                                         .runtime = agents_->runtime(),
                                         .database = database,
                                         .client = *webhooks_,
                                         .version = std::string(version_number)}));
  mcp_offer_ = make_mcp_offer(
      {.library = [this] { return library_.with([](const auto& library) { return library; }); },
       .agents = &agents_->host(),
       .tools = &agents_->tools(),
       .ledger = &budgeting_->ledger(),
       .shown = [this] { return mcp_shown(); }});
  mcp_ = mcp::Server::make({.offer = *mcp_offer_});
  store::BlobStore& blobs = *TRY(app_.blobs(DataFolder::may_be_made));
  foundations_.emplace(Foundations{.database = database,
                                   .blobs = blobs,
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
  tidy_uploads(uploads_folder(database));
  observe_process(metrics_, version_number);
  return {};
}

Result<void> Backend::take_over(const LoadedConfig& loaded) {
  auto next = TRY(Service::build(loaded, *foundations_));
  TRY(keys_->seed(loaded.config.keys));
  if (!http::is_loopback(loaded.config.server.host) && keys_->empty())
    return fail(Code::invalid_argument,
                "others can reach {}, so API keys are needed; make one with 'slipway keys create "
                "NAME', or declare some under 'keys' in slipway.yaml",
                loaded.config.server.host);
  log::set_level(loaded.config.log.level);
  log::set_json(loaded.config.log.json);
  show_to_mcp(loaded);
  service_.with([&](auto& service) { service = std::move(next); });
  return {};
}

/// What clients of MCP see from now on.
void Backend::show_to_mcp(const LoadedConfig& loaded) {
  const McpConfig& config = loaded.config.mcp;
  McpShown shown{.has_collections = config.collections,
                 .has_agents = config.agents,
                 .lets_clients_approve = config.approvals == McpApprovals::client,
                 .models = {.gateway = nullptr, .offered = {}}};
  for (const std::string& name : config.models)
    if (name == "configured")
      shown.models.offered.insert(shown.models.offered.end(), loaded.model_order.begin(),
                                  loaded.model_order.end());
    else
      shown.models.offered.push_back(name);
  mcp_shown_.with([&](auto& current) { current = std::move(shown); });
}

McpShown Backend::mcp_shown() const {
  McpShown shown = mcp_shown_.with([](const auto& current) { return current; });
  shown.models.gateway = gateway_.get();
  return shown;
}

}  // namespace slipway::app::detail
