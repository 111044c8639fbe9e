#include "app/detail/traces_source.hpp"

#include "app/detail/server_door.hpp"
#include "app/detail/tracing.hpp"
#include "trace/text.hpp"

namespace slipway::app::detail {

namespace {

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
  explicit ServedTraces(ServerDoor server) : server_(std::move(server)) {}

  Result<std::string> traces(const Context& context, const TracesQuery& query) override {
    return server_.get(context, "/api/traces" + text_of(query));
  }
  Result<std::string> runs(const Context& context, const TracesQuery& query) override {
    return server_.get(context, "/api/runs" + text_of(query));
  }
  Result<std::string> trace(const Context& context, const std::string& id,
                            bool with_payload) override {
    return server_.get(
        context, fmt::format("/api/traces/{}?payload={}", http::percent_encode(id), with_payload));
  }

 private:
  static std::string text_of(const TracesQuery& query) {
    std::string text = fmt::format("?limit={}", query.limit);
    for (const auto& [name, value] : query.conditions)
      text += fmt::format("&{}={}", name, http::percent_encode(value));
    if (!query.cursor.empty()) text += "&cursor=" + http::percent_encode(query.cursor);
    return text;
  }

  const ServerDoor server_;
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
  if (!options.url.empty())
    return std::unique_ptr<TracesSource>(
        std::make_unique<ServedTraces>(TRY(ServerDoor::open(options.url, options.key))));
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
