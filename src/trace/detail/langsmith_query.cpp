#include "trace/detail/langsmith_query.hpp"

#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/times.hpp"
#include "trace/feedback_filter.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int limit_default = 100, limit_max = 1000;
constexpr std::size_t ids_max = 1000;
constexpr std::string_view default_project = "default";
/// Beyond that many projects a list is cut; each page has this many.
constexpr int project_page = 1000, project_pages_max = 100;

/// What the body says; members that are not here are refused only if they would change the answer.
struct Body {
  std::optional<std::vector<std::string>> session, id, reference_example;
  std::optional<std::string> run_type, query, filter, trace_filter, tree_filter, parent_run, trace,
      start_time, end_time, cursor, order, search_filter;
  std::optional<bool> is_root, error;
  std::optional<int> execution_order;  ///< 1: of roots. There is no other one.
  std::optional<std::vector<std::string>> select;
  std::optional<int> limit;
};
BOOST_DESCRIBE_STRUCT(Body, (),
                      (session, id, reference_example, run_type, query, filter, trace_filter,
                       tree_filter, parent_run, trace, start_time, end_time, cursor, order,
                       search_filter, is_root, error, execution_order, select, limit))

json::Value object(std::string_view key, json::Value value) {
  json::Object result;
  result[key] = std::move(value);
  return result;
}

/// The trace that has that UUID, as it is called here.
Result<std::optional<std::string>> trace_called(const Context& context, TraceStore& store,
                                                const std::string& uuid) {
  for (std::string& id : ids_behind(uuid)) {
    Query query;
    query.trace_id = id;
    query.limit = 1;
    query.with_payload = false;
    if (!TRY(store.runs(context, query)).items.empty()) return std::optional(std::move(id));
  }
  return std::optional<std::string>();
}

class Translation {
 public:
  Translation(const Context& context, const Services& services, const Body& body)
      : context_(context),
        services_(services),
        store_(services.store),
        sessions_(services.sessions),
        body_(body) {}

  Result<LangSmithQuery> run() {
    if (body_.id && !body_.id->empty()) {
      if (body_.id->size() > ids_max)
        return fail(Code::invalid_argument, "id: at most {} are taken", ids_max);
      result_.ids = *body_.id;
      return std::move(result_);
    }
    TRY(add_plain());
    TRY(add_sessions());
    TRY(add_places());
    TRY(add_filters());
    if (!filters_.empty()) result_.query.filter = TRY(resolved(filters_));
    TRY(add_trees());
    result_.query.text = parse_text_query(text_);
    return std::move(result_);
  }

 private:
  Result<void> add_plain() {
    Query& query = result_.query;
    query.limit = std::clamp(body_.limit.value_or(limit_default), 1, limit_max);
    query.cursor = body_.cursor.value_or("");
    if (body_.order && *body_.order != "asc" && *body_.order != "desc")
      return fail(Code::invalid_argument, "order: '{}' is none of: asc, desc", *body_.order);
    if (body_.order == "asc") query.sort = Sort::start_time;
    if (body_.run_type) {
      const auto kind = json::from<Kind>(json::Value(*body_.run_type));
      if (!kind)
        return fail(Code::invalid_argument, "run_type: '{}' is no kind of run", *body_.run_type);
      query.kind = *kind;
    }
    if (body_.start_time)
      query.from = TRY(parse_nanoseconds(with_zone(*body_.start_time)).within("start_time"));
    if (body_.end_time)
      filters_.push_back(
          object("start_time", object("$lte", json::Value(with_zone(*body_.end_time)))));
    if (body_.execution_order && *body_.execution_order != 1)
      return fail(Code::invalid_argument, "execution_order: 1 is known, got {}",
                  *body_.execution_order);
    if (body_.execution_order) filters_.push_back(object("parent_id", object("$exists", false)));
    if (body_.is_root) filters_.push_back(object("parent_id", object("$exists", !*body_.is_root)));
    if (body_.error)
      filters_.push_back(object("status", object(*body_.error ? "$eq" : "$ne", "error")));
    text_ = body_.query.value_or("");
    if (body_.select)
      query.with_payload = std::any_of(body_.select->begin(), body_.select->end(), [](auto& one) {
        return one == "inputs" || one == "outputs" || one == "events" || one == "extra";
      });
    return {};
  }

  Result<void> add_sessions() {
    if (!body_.session || body_.session->empty()) return {};
    json::Array names;
    for (const std::string& id : *body_.session)
      if (const auto name = TRY(session_name(context_, store_, sessions_, as_uuid(id))))
        names.emplace_back(*name);
    if (names.empty()) result_.is_empty = true;
    if (names.size() == 1) result_.query.project = std::string(names.front().as_string());
    if (names.size() > 1) filters_.push_back(object("project", object("$in", std::move(names))));
    return {};
  }

  Result<void> add_places() {
    if (body_.trace) {
      result_.query.trace_id = TRY(trace_called(context_, store_, *body_.trace));
      if (!result_.query.trace_id) result_.is_empty = true;
    }
    if (body_.parent_run) {
      const auto parent = find_langsmith_run(context_, store_, *body_.parent_run);
      if (!parent && parent.error().code() != Code::not_found) return parent.error();
      if (!parent) {
        result_.is_empty = true;
        return {};
      }
      result_.query.trace_id = parent->trace_id;
      filters_.push_back(object("parent_id", json::Value(parent->id)));
    }
    return {};
  }

  Result<void> add_filters() {
    if (body_.filter) TRY(translate_langsmith_filter(*body_.filter, filters_, text_));
    if (body_.reference_example && !body_.reference_example->empty()) {
      json::Array ids;
      for (const std::string& id : *body_.reference_example) ids.emplace_back(as_uuid(id));
      filters_.push_back(object("reference_example_id", object("$in", std::move(ids))));
    }
    if (body_.search_filter)
      return fail(Code::invalid_argument, "search_filter: cannot be answered here");
    return {};
  }

  Result<Filter> resolved(const json::Array& filters) {
    Filter filter = TRY(parse_filter(object("$and", filters)));
    TRY(resolve_feedback(context_, services_.feedbacks, filter, Listed::runs));
    return filter;
  }

  /// What must hold for the root, and for any run of the tree.
  Result<void> add_trees() {
    if (body_.trace_filter && body_.is_root.value_or(false)) {
      json::Array filters;
      TRY(translate_langsmith_filter(*body_.trace_filter, filters, text_));
      require(TRY(resolved(filters)));
    } else if (body_.trace_filter) {
      require(TRY(in_trees(*body_.trace_filter, true)));
    }
    if (body_.tree_filter) require(TRY(in_trees(*body_.tree_filter, false)));
    return {};
  }

  void require(Filter filter) {
    Combination all{Combination::Kind::all, {}};
    if (result_.query.filter) all.filters.push_back(*std::move(result_.query.filter));
    all.filters.push_back(std::move(filter));
    result_.query.filter = Filter{std::move(all)};
  }

  /// That the trace is one of those in which a run (a root) is as the filter says.
  Result<Filter> in_trees(const std::string& filter, bool is_of_root) {
    constexpr int runs_max = 20'000;
    Query query;
    query.project = result_.query.project;
    query.trace_id = result_.query.trace_id;
    query.limit = limit_max;
    query.with_payload = false;
    json::Array filters;
    std::string words;
    TRY(translate_langsmith_filter(filter, filters, words));
    if (is_of_root) filters.push_back(object("parent_id", object("$exists", false)));
    if (!filters.empty()) query.filter = TRY(resolved(filters));
    query.text = parse_text_query(words);
    std::set<std::string, std::less<>> traces;
    for (int count = 0;;) {
      const Page<Run> page = TRY(store_.runs(context_, query));
      for (const Run& run : page.items) traces.insert(run.trace_id);
      count += static_cast<int>(page.items.size());
      if (!page.next_cursor) break;
      if (count >= runs_max)
        return fail(Code::invalid_argument,
                    "{}: more than {} runs are as it says; narrow it, or name a project",
                    is_of_root ? "trace_filter" : "tree_filter", runs_max);
      query.cursor = *page.next_cursor;
    }
    Condition condition{"trace_id", Comparison::in, {}, {}};
    condition.one_of =
        std::make_shared<const std::set<std::string, std::less<>>>(std::move(traces));
    return Filter{std::move(condition)};
  }

  const Context& context_;
  const Services& services_;
  TraceStore& store_;
  Sessions& sessions_;
  const Body& body_;
  LangSmithQuery result_;
  json::Array filters_;
  std::string text_;
};

}  // namespace

Result<std::vector<Session>> all_sessions(const Context& context, TraceStore& store,
                                          Sessions& sessions) {
  std::vector<Session> all = TRY(sessions.declared(context));
  std::string cursor;
  for (int i = 0; i < project_pages_max; ++i) {
    const Page<Project> page = TRY(store.projects(context, project_page, cursor));
    for (const Project& project : page.items) {
      const bool is_known = std::any_of(all.begin(), all.end(), [&](const Session& session) {
        return session.name == project.name;
      });
      if (is_known) continue;
      Session& session = all.emplace_back();
      session.id = uuid_of(project.name);
      session.name = project.name;
      session.start = project.last_run_time;
      sessions.remember(project.name);
    }
    if (!page.next_cursor) break;
    cursor = *page.next_cursor;
  }
  return all;
}

Result<std::optional<Session>> session_named(const Context& context, TraceStore& store,
                                             Sessions& sessions, const std::string& name) {
  for (Session& session : TRY(sessions.declared(context)))
    if (session.name == name) return std::optional(std::move(session));
  Query query;
  query.project = name;
  query.limit = 1;
  query.with_payload = false;
  const Page<Run> youngest = TRY(store.runs(context, query));
  // That of runs that name none is always there.
  if (youngest.items.empty() && name != default_project) return std::optional<Session>();
  sessions.remember(name);
  Session session;
  session.id = uuid_of(name);
  session.name = name;
  if (!youngest.items.empty()) session.start = youngest.items.front().start;
  return std::optional(std::move(session));
}

Result<std::optional<std::string>> session_name(const Context& context, TraceStore& store,
                                                Sessions& sessions, const std::string& id) {
  if (auto name = sessions.remembered(id)) return name;
  for (const Session& session : TRY(all_sessions(context, store, sessions)))
    if (session.id == id) return std::optional(session.name);
  return std::optional<std::string>();
}

Result<LangSmithQuery> read_langsmith_query(const Context& context, const json::Value& body,
                                            const Services& services) {
  const Body read = TRY(json::from<Body>(body, json::Policy::ignore_unknown));
  return Translation(context, services, read).run();
}

Result<Page<Run>> run_langsmith_query(const Context& context, TraceStore& store,
                                      const LangSmithQuery& query) {
  Page<Run> page;
  for (const std::string& id : query.ids) {
    auto run = find_langsmith_run(context, store, id);
    if (run)
      page.items.push_back(*std::move(run));
    else if (run.error().code() != Code::not_found)
      return run.error();
  }
  if (!query.ids.empty() || query.is_empty) return page;
  return store.runs(context, query.query);
}

Result<Run> find_langsmith_run(const Context& context, TraceStore& store, const std::string& uuid) {
  for (const std::string& id : ids_behind(uuid)) {
    auto run = store.run(context, id, "");
    if (run || run.error().code() != Code::not_found) return run;
  }
  return fail(Code::not_found, "Run {} not found", uuid.substr(0, 100));
}

}  // namespace slipway::trace::detail
