#include "app/detail/service.hpp"

#include <algorithm>
#include <atomic>
#include <set>

#include "access/routes.hpp"
#include "api/evaluations.hpp"
#include "api/mount.hpp"
#include "app/detail/declared_sources.hpp"
#include "app/detail/evaluating.hpp"
#include "app/detail/held_exchange.hpp"
#include "app/detail/judge.hpp"
#include "app/detail/mcp_routes.hpp"
#include "app/detail/metric_rules.hpp"
#include "app/detail/online_doors.hpp"
#include "app/detail/pipelines.hpp"
#include "app/detail/priced_catalog.hpp"
#include "app/detail/prompt_door.hpp"
#include "app/detail/rag_prompts.hpp"
#include "app/detail/traced_models.hpp"
#include "app/version.hpp"
#include "budgets/mount.hpp"
#include "core/log.hpp"
#include "datasets/mount.hpp"
#include "eval/online_routes.hpp"
#include "gateway/faces.hpp"
#include "gateway/prices.hpp"
#include "http/api.hpp"
#include "http/loopback.hpp"
#include "prompts/declared.hpp"
#include "prompts/mount.hpp"
#include "trace/evaluator_routes.hpp"
#include "trace/origin.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view json_type = "application/json";

http::Response json_response(int status, const json::Value& value) {
  return {.status = status,
          .headers = {{"Content-Type", std::string(json_type)}, {"Cache-Control", "no-store"}},
          .body = json::dump(value)};
}

/// A browser asks whether a page of another origin may send what it wants to send.
bool is_preflight(const http::Request& request) {
  return request.method == "OPTIONS" && request.headers.find("access-control-request-method");
}

/// Whatever it asks: the request itself still has to show a key.
http::Response preflight_answer(const http::Request& request) {
  http::Headers headers{{"Access-Control-Allow-Origin", std::string(request.headers.get("origin"))},
                        {"Access-Control-Allow-Methods",
                         std::string(request.headers.get("access-control-request-method"))},
                        {"Access-Control-Max-Age", "600"},
                        {"Vary", "Origin"}};
  if (const std::string* wanted = request.headers.find("access-control-request-headers"))
    headers.add("Access-Control-Allow-Headers", *wanted);
  return {.status = 204, .headers = std::move(headers), .body = {}};
}

/// Whoever asks for these need not say who they are.
bool is_open(std::string_view path) { return path.starts_with("/health/") || ui::is_public(path); }

/// At the root both the page and LangSmith's clients have settings and datasets: who sends a key is
/// a client, who wants HTML is a browser. The request as it is meant; nothing: as it is.
std::unique_ptr<http::Request> meant_request(const http::Request& request) {
  std::string path;
  if (request.path == "/settings" && request.headers.find("x-api-key"))
    path = "/langsmith/settings";
  else if ((request.path == "/datasets" || request.path.starts_with("/datasets/")) &&
           (request.method == "GET" || request.method == "HEAD") &&
           request.headers.get("accept").find("text/html") != std::string_view::npos)
    path = "/evaluations";  // The page draws what the browser's address says.
  else
    return nullptr;
  auto asked = std::make_unique<http::Request>(request);
  asked->path = std::move(path);
  return asked;
}

Result<access::Role> role_named(std::string_view name) {
  return json::from<access::Role>(json::Value(boost::json::string(name)));
}

/// A library and what it borrows, in the order in which they end.
struct LibraryParts {
  std::shared_ptr<models::Catalog> catalog;
  std::unique_ptr<rag::Library> library;
};

class ServiceOfConfig final : public Service, public std::enable_shared_from_this<ServiceOfConfig> {
 public:
  ServiceOfConfig(const LoadedConfig& loaded, const Foundations& foundations)
      : loaded_(loaded),
        foundations_(foundations),
        gate_({.keys = foundations.keys,
               .host_names = loaded.config.server.names,
               .origins = loaded.config.server.origins,
               .session = [door = foundations.door](
                              const http::Request& request) { return door->caller(request); },
               .demands_keys = !http::is_loopback(loaded.config.server.host)}),
        router_(foundations.workers) {}

  Result<void> open() {
    const Config& config = loaded_.config;
    auto parts = std::make_shared<LibraryParts>();
    std::shared_ptr<models::Catalog> catalog =
        TRY(models::Catalog::open({.folders = {}, .configured = config.models}));
    const auto names = traced_models(config, TRY(catalog->list()));
    parts->catalog = make_priced_catalog(
        {.catalog = std::move(catalog),
         .book = [&prices = foundations_.tracing.prices()] { return prices.book(); },
         .traced_model = names});
    parts->library =
        TRY(rag::Library::open({.database = foundations_.database,
                                .blobs = foundations_.blobs,
                                .catalog = *parts->catalog,
                                .segments = foundations_.database.path().parent_path() / "segments",
                                .declared = config.collections,
                                .default_embedder = config.defaults.embedder,
                                .default_chat_model = config.defaults.chat_model,
                                .recorder = foundations_.tracing.recorder(),
                                .traced_model = names,
                                .erase_traces =
                                    [&tracing = foundations_.tracing](const Context& context,
                                                                      const std::string& document) {
                                      return tracing.erase_document(context, document);
                                    },
                                .prompts = rag_prompts(foundations_.database)}));
    catalog_ = parts->catalog;
    library_ = std::shared_ptr<rag::Library>(parts, parts->library.get());
    // Before anything is changed that the service before uses.
    TRY(foundations_.agents.check(agent_models(), loaded_.agents));
    TRY(open_gateway());
    TRY(check_cheaper_models());
    TRY(foundations_.budgeting.apply(config.budgets, config.alerts));
    TRY(prompts::apply_declared({}, prompts_, config.prompts));
    TRY(foundations_.agents.apply({.catalog = catalog_,
                                   .models = agent_models(),
                                   .declared = loaded_.agents,
                                   .reach = agent_reach()}));
    online_ = TRY(online_evaluators(config.evaluations, scoring_parts()));
    foundations_.library.with([&](auto& library) { library = library_; });
    return {};
  }

  /// What cannot fail, once everything else has gone well.
  void mount() {
    mount_operations();
    http::Api api(router_,
                  {.title = "Slipway",
                   .version = std::string(version_number),
                   .description = "Documents to cited answers, and the models behind them.",
                   .admit = [this](const http::Request& request, std::string_view role) {
                     return admit(request, role);
                   }});
    api::mount(api, services());
    access::mount(api, foundations_.keys);
    const trace::Services traces =
        foundations_.tracing.services([this](const http::Request& request, std::string_view role) {
          return admit(request, role);
        });
    trace::mount(api, traces);
    const datasets::Services datasets{.datasets = foundations_.tracing.datasets(),
                                      .traces = traces};
    datasets::mount(api, datasets);
    api::mount_evaluations(
        api, {.store = foundations_.evaluations,
              .jobs = foundations_.jobs,
              .datasets = datasets,
              .rules = foundations_.tracing.rules(),
              .doors = evaluation_doors({.catalog = catalog_,
                                         .library = library_,
                                         .default_embedder = loaded_.config.defaults.embedder,
                                         .recorder = foundations_.tracing.recorder(),
                                         .ledger = &foundations_.budgeting.ledger()}),
              .mask = loaded_.config.traces.mask,
              .runs_folder = runs_folder(foundations_.database)});
    api::mount_agents(
        api, {.host = foundations_.agents.host(),
              .runtime = foundations_.agents.runtime(),
              .waiters = foundations_.waiters,
              .load_options = [&agents = foundations_.agents] { return agents.load_options(); },
              .reach = [&agents = foundations_.agents] { return agents.reach(); }});
    prompts::mount(api, prompts_);
    trace::mount_evaluators(api, foundations_.tracing.rules());
    foundations_.tracing.online().set(std::move(online_));
    foundations_.tracing.set_tell_drop(tell_by(foundations_.budgeting.ledger()));
    eval::mount_online(api, foundations_.tracing.online());
    budgets::mount(api, foundations_.budgeting.ledger());
    api.publish();
    gateway::mount_faces(
        router_,
        {.gateway = *foundations_.gateway, .gate = gate_, .workers = foundations_.workers});
    trace::mount_otlp(router_, traces);
    trace::mount_langsmith(router_, traces);
    trace::mount_langsmith_evaluators(router_, traces, foundations_.tracing.rules());
    datasets::mount_langsmith(router_, datasets);
    prompts::mount_hub(router_, traces, prompts_);
    langgraph::mount(router_, foundations_.langgraph,
                     [this](const http::Request& request, std::string_view role) {
                       return admit(request, role);
                     });
    mount_mcp(router_, {.server = foundations_.mcp, .gate = gate_});
    ui::mount(router_, {.door = foundations_.door,
                        .who = [this](const http::Request& request) { return gate_.who(request); },
                        .version = std::string(version_number)});
  }

  void answer(const http::ExchangePtr& exchange) override {
    std::string caller_name;
    if (!is_open(exchange->request().path))
      if (auto caller = gate_.who(exchange->request())) {
        caller_name = caller->name;
        exchange->set_caller(std::move(caller->name));
      }
    http::Headers added;
    if (const std::string_view origin = exchange->request().headers.get("origin");
        !origin.empty() && gate_.allows_origin(origin)) {
      if (is_preflight(exchange->request()))
        return exchange->reply(preflight_answer(exchange->request()));
      added.add("Access-Control-Allow-Origin", std::string(origin));
      added.add("Access-Control-Expose-Headers", "*");
      added.add("Vary", "Origin");
    }
    if (auto asked = meant_request(exchange->request()))
      return router_.dispatch(std::make_shared<HeldExchange>(
          exchange, shared_from_this(), std::move(added), caller_name, std::move(asked)));
    if (!caller_name.empty() && names_prompt(exchange->request()))
      return answer_prompt(exchange, std::move(added), std::move(caller_name));
    router_.dispatch(std::make_shared<HeldExchange>(exchange, shared_from_this(), std::move(added),
                                                    std::move(caller_name)));
  }

  std::optional<http::Response> refuse_early(const http::Request& head) const override {
    const bool takes_runs = trace::is_intake_path(head.path);
    const bool is_langgraph = langgraph::is_face_path(head.path);
    if ((!head.path.starts_with("/api/") && !takes_runs && !is_langgraph) ||
        head.method == "OPTIONS" || trace::is_open_path(head.path) ||
        langgraph::is_open_path(head.path))
      return std::nullopt;
    const auto caller = gate_.who(head);
    if (caller) return std::nullopt;
    if (is_langgraph)
      return langgraph::refusal(head, http_status(caller.error().code()), caller.error().message());
    if (takes_runs)
      return trace::dialect_refusal(head, http_status(caller.error().code()),
                                    caller.error().message());
    return http::to_response(http::problem_of(caller.error(), head));
  }

  void tick() override {
    if (const auto refreshed = foundations_.gateway->refresh(); !refreshed)
      log::warning("gateway: {}", refreshed.error().message());
    foundations_.tracing.tick();
    if (const auto begun = begin_due_sources(); !begun)
      log::warning("sources: {}", begun.error().message());
  }

  void begin_drain() override {
    is_draining_ = true;
    foundations_.waiters.end();
    foundations_.langgraph->end_waiting();
    foundations_.mcp.end_listening();
  }

 private:
  /// Reads the prompt on a worker, then lets the call go its way.
  void answer_prompt(const http::ExchangePtr& exchange, http::Headers added, std::string caller) {
    const auto refuse = [self = shared_from_this(), exchange, added, caller](const Error& error) {
      HeldExchange(exchange, self, added, caller).reply(prompt_refusal(error));
    };
    const auto queued = foundations_.workers.try_submit(
        [self = shared_from_this(), exchange, added, caller, refuse] {
          auto filled = fill_prompt(exchange->context(), self->prompts_, exchange->request());
          if (!filled) return refuse(filled.error());
          http::Headers more = added;
          more.add(std::string(trace::prompt_header), filled->prompt);
          self->router_.dispatch(std::make_shared<HeldExchange>(
              exchange, self, std::move(more), caller, std::move(filled->request)));
        });
    if (!queued) refuse(queued.error());
  }

  Result<void> admit(const http::Request& request, std::string_view role) const {
    TRY(gate_.admit(request, TRY(role_named(role))));
    return {};
  }

  api::Services services() {
    const ServerConfig& server = loaded_.config.server;
    api::Services services{.catalog = catalog_,
                           .library = library_,
                           .jobs = &foundations_.jobs,
                           .version = std::string(version_number),
                           .loading = loaded_.config.loading,
                           .budgets = &foundations_.budgeting.ledger()};
    // Foreign callers name what is fetched: with no credentials of ours, from public places only.
    services.connecting.is_public_only = true;
    for (const std::string& folder : server.allowed_folders)
      services.allowed_folders.emplace_back(folder);
    services.settings = [this] { return settings(); };
    return services;
  }

  json::Value settings() const {
    json::Object origins;
    for (const auto& [path, origin] : loaded_.origins) origins[path] = origin;
    return json::Object{
        {"file", loaded_.file.empty() ? json::Value()
                                      : json::Value(boost::json::string(loaded_.file.string()))},
        {"config", loaded_.shown},
        {"origins", std::move(origins)},
        {"gateway", json::to(foundations_.gateway->shown())}};
  }

  /// Each becomes a job. One that was just submitted is not yet noted as running: it is remembered.
  Result<void> begin_due_sources() {
    if (is_draining_ || loaded_.config.sources.empty()) return {};
    const auto sources = TRY(declared_sources({}, loaded_.config, *library_));
    const auto now = system_clock().now();  // After them: one that never ran is due as it is read.
    for (const DeclaredSource& source : sources) {
      if (!source.is_due(now) ||
          !begun_.with([&](auto& begun) { return begun.insert(source.name).second; }))
        continue;
      rag::IngestRequest request = request_of(loaded_.config, source);
      const std::string collection = request.collection;
      TRY(foundations_.jobs.submit(
          {}, "source", collection,
          [self = shared_from_this(), library = library_, name = source.name,
           request = std::move(request)](const Context& context, api::JobReport& report) {
            auto result = run_source(context, *library, name, request, report);
            self->begun_.with([&](auto& begun) { begun.erase(name); });
            return result;
          }));
    }
    return {};
  }

  static Result<json::Value> run_source(const Context& context, rag::Library& library,
                                        const std::string& name, const rag::IngestRequest& request,
                                        api::JobReport& job) {
    const auto report =
        TRY(library.run_source(context, name, request, [&](const rag::IngestProgress& progress) {
          job.progress({.done = progress.documents_done,
                        .total = progress.documents_total,
                        .current = progress.current});
        }));
    for (const rag::IngestFailure& failure : report.failed)
      job.failed({.uri = failure.uri, .error = failure.error});
    return rag::to_json(report);
  }

  /// Pipelines are not looked for: the library that knows them does not serve yet.
  Result<void> check_cheaper_models() const {
    const Config& config = loaded_.config;
    std::vector<std::string> names = loaded_.model_order;
    if (const auto installed = catalog_->list())
      for (const models::ModelInfo& info : *installed) names.push_back(info.name);
    for (const auto& [name, budget] : config.budgets) {
      const std::string& model = budget.degrade_to;
      if (model.empty() || model == "default" || is_pipeline(model) ||
          config.models.contains(model) || config.routes.contains(model) ||
          std::find(names.begin(), names.end(), model) != names.end())
        continue;
      const auto hint = json::nearest(model, {names.begin(), names.end()});
      return fail(Code::invalid_argument, "budgets.{}.degrade_to: there is no model '{}'{}", name,
                  model, hint.empty() ? "" : fmt::format("; did you mean '{}'?", hint));
    }
    return {};
  }

  agents::Reach agent_reach() const {
    const ServerConfig& server = loaded_.config.server;
    const auto may = [&](std::string_view what) {
      return std::find(server.agents_may.begin(), server.agents_may.end(), what) !=
             server.agents_may.end();
    };
    return {.commands = may("commands"),
            .secrets = may("secrets"),
            .networks = may("networks"),
            .files = may("files"),
            .folders = {server.allowed_folders.begin(), server.allowed_folders.end()}};
  }

  std::vector<std::string> agent_models() const {
    std::vector<std::string> names;
    for (const auto& [name, model] : loaded_.config.models)
      if (model.task == models::ModelTask::chat) names.push_back(name);
    return names;
  }

  Result<void> open_gateway() {
    const Config& config = loaded_.config;
    gateway::Settings settings{.models = config.models,
                               .order = loaded_.model_order,
                               .routes = config.routes,
                               .guardrails = config.guardrails,
                               .gateway = config.gateway,
                               .prices = config.prices,
                               .default_chat_model = config.defaults.chat_model};
    if (foundations_.gateway) return foundations_.gateway->reload(std::move(settings), catalog_);
    foundations_.gateway = TRY(gateway::Gateway::open(
        {.catalog = catalog_,
         .upstream = &foundations_.upstream,
         .settings = std::move(settings),
         .pipelines = pipelines_of(foundations_.library, foundations_.budgeting.ledger(),
                                   foundations_.agents),
         .metrics = &foundations_.metrics,
         .prices = &foundations_.tracing.prices(),
         .budgets = &foundations_.budgeting.ledger(),
         .recorder = foundations_.tracing.recorder()}));
    foundations_.tracing.set_metrics(
        metric_rules({.store = foundations_.tracing.store(), .scoring = scoring_parts()}));
    foundations_.tracing.set_judge(make_judge(
        *foundations_.gateway, std::make_shared<prompts::Prompts>(foundations_.database)));
    return {};
  }

  ScoringParts scoring_parts() {
    return {.catalog = catalog_,
            .default_embedder = loaded_.config.defaults.embedder,
            .recorder = foundations_.tracing.recorder(),
            .ledger = foundations_.budgeting.ledger()};
  }

  void mount_operations() {
    router_.add("GET", "/health/live", http::RunOn::edge, [](const auto& exchange, const auto&) {
      exchange->reply(json_response(200, json::Object{{"status", "live"}}));
    });
    router_.add(
        "GET", "/health/ready", http::RunOn::edge, [this](const auto& exchange, const auto&) {
          const bool is_ready = !is_draining_;
          exchange->reply(json_response(is_ready ? 200 : 503,
                                        json::Object{{"status", is_ready ? "ready" : "draining"}}));
        });
    router_.add("GET", "/metrics", http::RunOn::workers, [this](const auto& exchange, const auto&) {
      if (const auto admitted = gate_.admit(exchange->request(), access::Role::read); !admitted)
        return exchange->reply(
            http::to_response(http::problem_of(admitted.error(), exchange->request())));
      exchange->reply({.headers = {{"Content-Type", std::string(http::Metrics::content_type)}},
                       .body = foundations_.metrics.text()});
    });
  }

  const LoadedConfig loaded_;
  const Foundations foundations_;
  const access::Gate gate_;
  prompts::Prompts prompts_{foundations_.database};
  http::Router router_;
  std::shared_ptr<models::Catalog> catalog_;
  std::shared_ptr<rag::Library> library_;
  std::vector<eval::OnlineEvaluator> online_;  ///< Until they are mounted.
  std::atomic<bool> is_draining_{false};
  Guarded<std::set<std::string>> begun_;  ///< Sources whose job has not ended.
};

}  // namespace

std::filesystem::path uploads_folder(const store::Database& database) {
  return database.path().parent_path() / "uploads";
}

std::filesystem::path runs_folder(const store::Database& database) {
  return database.path().parent_path() / "evaluations";
}

Result<std::shared_ptr<Service>> Service::build(const LoadedConfig& loaded,
                                                const Foundations& foundations) {
  auto service = std::make_shared<ServiceOfConfig>(loaded, foundations);
  TRY(service->open());
  service->mount();
  return std::shared_ptr<Service>(std::move(service));
}

}  // namespace slipway::app::detail
