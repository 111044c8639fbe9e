#include "app/detail/traces_source.hpp"

#include "app/detail/tracing.hpp"
#include "core/secret.hpp"
#include "http/client.hpp"
#include "trace/text.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view key_variable = "SLIPWAY_API_KEY";

Result<trace::Nanoseconds> time_of(const std::string& text) {
  return trace::nanoseconds(TRY(parse_time(text)));
}

/// The same query for the store itself.
Result<trace::Query> store_query(const TracesQuery& asked) {
  trace::Query query;
  query.limit = asked.limit;
  if (!asked.cursor.empty()) query.cursor = asked.cursor;
  for (const auto& [name, value] : asked.conditions) {
    if (name == "project") query.project = value;
    if (name == "model") query.model = value;
    if (name == "name") query.name = value;
    if (name == "user_id") query.user_id = value;
    if (name == "session_id") query.session_id = value;
    if (name == "tag") query.tag = value;
    if (name == "trace_id") query.trace_id = value;
    if (name == "status") query.status = TRY(json::from<trace::Status>(json::Value(value)));
    if (name == "kind") query.kind = TRY(json::from<trace::Kind>(json::Value(value)));
    if (name == "from") query.from = TRY(time_of(value).within("--from"));
    if (name == "to") query.to = TRY(time_of(value).within("--to"));
    if (name == "q") query.text = trace::parse_text_query(value);
    if (name == "sort") query.sort = TRY(trace::parse_sort(value).within("--sort"));
    if (name == "filter")
      query.filter =
          TRY(trace::parse_filter(TRY(json::parse(value).within("--filter"))).within("--filter"));
  }
  return query;
}

class StoredTraces final : public TracesSource {
 public:
  explicit StoredTraces(std::unique_ptr<trace::TraceStore> store) : store_(std::move(store)) {}

  Result<std::string> traces(const Context& context, const TracesQuery& query) override {
    return trace::to_json_text(TRY(store_->traces(context, TRY(store_query(query)))));
  }
  Result<std::string> runs(const Context& context, const TracesQuery& query) override {
    return trace::to_json_text(TRY(store_->runs(context, TRY(store_query(query)))));
  }
  Result<std::string> trace(const Context& context, const std::string& id,
                            bool with_payload) override {
    return trace::to_json_text(TRY(store_->trace(context, id, with_payload)), with_payload);
  }

 private:
  const std::unique_ptr<trace::TraceStore> store_;
};

class ServedTraces final : public TracesSource {
 public:
  ServedTraces(std::string url, std::string key) : url_(std::move(url)), key_(std::move(key)) {
    while (url_.ends_with('/')) url_.pop_back();
  }

  Result<std::string> traces(const Context& context, const TracesQuery& query) override {
    return get(context, "/api/traces" + text_of(query));
  }
  Result<std::string> runs(const Context& context, const TracesQuery& query) override {
    return get(context, "/api/runs" + text_of(query));
  }
  Result<std::string> trace(const Context& context, const std::string& id,
                            bool with_payload) override {
    return get(context,
               fmt::format("/api/traces/{}?payload={}", http::percent_encode(id), with_payload));
  }

 private:
  static std::string text_of(const TracesQuery& query) {
    std::string text = fmt::format("?limit={}", query.limit);
    for (const auto& [name, value] : query.conditions)
      text += fmt::format("&{}={}", name, http::percent_encode(value));
    if (!query.cursor.empty()) text += "&cursor=" + http::percent_encode(query.cursor);
    return text;
  }

  Result<std::string> get(const Context& context, const std::string& target) {
    http::ClientRequest request{.url = url_ + target};
    if (!key_.empty()) request.headers["Authorization"] = "Bearer " + key_;
    auto response = TRY(client_->send(context, request));
    if (response.status == 200) return std::move(response.body);
    const auto problem = json::parse(response.body);
    const json::Object* object = problem ? problem->if_object() : nullptr;
    const json::Value* told = object != nullptr ? object->if_contains("detail") : nullptr;
    const std::string why = told != nullptr && told->is_string()
                                ? std::string(told->get_string())
                                : std::string("it is no Slipway, or an older one");
    constexpr int not_found = 404;
    return fail(response.status == not_found ? Code::not_found : Code::unavailable,
                "{} answered with status {}: {}", http::redact_url(url_), response.status, why);
  }

  std::string url_;
  const std::string key_;
  const std::unique_ptr<http::Client> client_ = http::Client::make({});
};

}  // namespace

Result<TracesQuery> query_of(const TracesOptions& options) {
  TracesQuery query;
  query.limit = options.limit;
  query.cursor = options.cursor;
  const auto add = [&](std::string name, const std::string& value) {
    if (!value.empty()) query.conditions.emplace_back(std::move(name), value);
  };
  add("project", options.project);
  add("status", options.status);
  add("kind", options.kind);
  add("model", options.model);
  add("user_id", options.user);
  add("session_id", options.session);
  add("trace_id", options.id);
  add("from", options.from);
  add("to", options.to);
  add("q", options.text);
  add("filter", options.filter);
  add("sort", options.sort);
  TRY(store_query(query));  // What is wrong is told before anything is opened.
  return query;
}

Result<std::unique_ptr<TracesSource>> open_traces(App& app, const TracesOptions& options) {
  if (!options.url.empty()) {
    std::string key;
    if (!options.key.empty())
      key = TRY(resolve_secret("--key", options.key));
    else if (const char* variable = std::getenv(std::string(key_variable).c_str()))
      key = variable;
    return std::unique_ptr<TracesSource>(
        std::make_unique<ServedTraces>(options.url, std::move(key)));
  }
  const std::filesystem::path folder = traces_folder(TRY(app.data_folder()));
  // Those of the version before are taken over first, which is a change.
  std::error_code ignored;
  const bool is_old = std::filesystem::exists(folder.string() + ".db", ignored);
  if (!is_old && !std::filesystem::exists(folder, ignored))
    return fail(Code::not_found,
                "there are no traces in '{}'; name another folder with --data, or a server with "
                "--url",
                folder.parent_path().string());
  auto store = trace::TraceStore::open({.path = folder, .is_read_only = !is_old});
  if (!store)
    return fail(store.error().code(), "{}; if a server uses the folder, ask it: --url URL",
                store.error().message());
  return std::unique_ptr<TracesSource>(std::make_unique<StoredTraces>(*std::move(store)));
}

}  // namespace slipway::app::detail
