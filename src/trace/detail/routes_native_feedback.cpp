// Feedback in our own API.
#include <algorithm>

#include "trace/detail/routes.hpp"
#include "trace/detail/routes_feedback.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

struct FeedbackShape {
  std::string id;
  std::optional<std::string> run_id, trace_id, project_id;
  std::string key;
  std::optional<double> score;
  json::Value value;
  std::optional<std::string> comment;
  json::Value correction;
  std::string source;
  json::Object metadata;
  std::string created_at, modified_at;
};
BOOST_DESCRIBE_STRUCT(FeedbackShape, (),
                      (id, run_id, trace_id, project_id, key, score, value, comment, correction,
                       source, metadata, created_at, modified_at))

struct FeedbackList {
  std::vector<FeedbackShape> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(FeedbackList, (), (items, next_cursor))

/// What is said of a run.
struct Opinion {
  std::string id;
  std::string key;
  std::optional<double> score;
  json::Value value;
  std::string comment;
  json::Value correction;
  std::string source = "api";
  json::Object metadata;
  static constexpr std::string_view required[] = {"key"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "id": {"maxLength": 64, "description":
      "A UUID. Sent again with the same one it replaces what was there. Empty: one is made."},
    "key": {"minLength": 1, "maxLength": 256, "description": "What is judged.",
            "example": "correctness"},
    "score": {"description": "A number; yes is 1 and no is 0."},
    "value": {"description": "Anything, where a number does not say it: a label, an object."},
    "comment": {"maxLength": 100000},
    "correction": {"description": "What would have been right: a text or an object."},
    "source": {"maxLength": 64, "description": "Who says so: api, app, model ..."},
    "metadata": {"description": "Kept beside it."}}})";
};
BOOST_DESCRIBE_STRUCT(Opinion, (), (id, key, score, value, comment, correction, source, metadata))

struct OpinionOn : Opinion {
  std::string run_id, trace_id, project;
  static constexpr std::string_view required[] = {"key"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "run_id": {"maxLength": 128, "description":
      "The run, as its client named it. It need not have arrived."},
    "trace_id": {"maxLength": 128, "description": "A whole trace: its root."},
    "project": {"maxLength": 512, "description":
      "Instead of a run: the name of the project (an experiment) that is judged."}}})";
};
BOOST_DESCRIBE_STRUCT(OpinionOn, (Opinion), (run_id, trace_id, project))

struct FeedbackWish {
  std::string run_id, project, key, source;
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "run_id": {"maxLength": 128}, "project": {"maxLength": 512},
    "key": {"maxLength": 256}, "source": {"maxLength": 64},
    "limit": {"minimum": 1, "maximum": 1000},
    "cursor": {"maxLength": 20, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
BOOST_DESCRIBE_STRUCT(FeedbackWish, (), (run_id, project, key, source, limit, cursor))

struct FeedbackPath {
  std::string id;
  static constexpr std::string_view schema_notes = R"({"properties": {"id": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(FeedbackPath, (), (id))

struct LinkWish {
  std::string key;
  int expires_in_minutes = 180;
  static constexpr std::string_view required[] = {"key"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "key": {"minLength": 1, "maxLength": 256, "example": "thumbs_up"},
    "expires_in_minutes": {"minimum": 1, "maximum": 525600}}})";
};
BOOST_DESCRIBE_STRUCT(LinkWish, (), (key, expires_in_minutes))

struct LinkShape {
  std::string id, url, expires_at;
};
BOOST_DESCRIBE_STRUCT(LinkShape, (), (id, url, expires_at))

struct StatsWishOfProject {
  std::string project;
  static constexpr std::string_view required[] = {"project"};
  static constexpr std::string_view schema_notes =
      R"({"properties": {"project": {"minLength": 1, "maxLength": 512}}})";
};
BOOST_DESCRIBE_STRUCT(StatsWishOfProject, (), (project))

struct KeyStats {
  std::string key;
  std::int64_t count = 0, errors = 0;
  std::optional<double> mean, deviation;
  std::map<std::string, std::int64_t> values;
};
BOOST_DESCRIBE_STRUCT(KeyStats, (), (key, count, errors, mean, deviation, values))
struct ProjectStats {
  std::vector<KeyStats> runs, project;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "runs": {"description": "Of the feedback of its runs, by key."},
    "project": {"description": "Of the feedback of the project itself."}}})";
};
BOOST_DESCRIBE_STRUCT(ProjectStats, (), (runs, project))

FeedbackShape shape_of(const Feedback& one) {
  FeedbackShape shape;
  shape.id = one.id;
  shape.run_id = one.run_id;
  shape.trace_id = one.trace_id;
  shape.project_id = one.session_id;
  shape.key = one.key;
  if (one.score.is_number()) shape.score = one.score.to_number<double>();
  shape.value = one.value;
  shape.comment = one.comment;
  shape.correction = one.correction;
  if (const json::Value* type = one.source.if_contains("type");
      type != nullptr && type->is_string())
    shape.source = std::string(type->get_string());
  if (const json::Value* more = one.source.if_contains("metadata");
      more != nullptr && more->is_object())
    shape.metadata = more->get_object();
  shape.created_at = time_text(one.created);
  shape.modified_at = time_text(one.modified);
  return shape;
}

Result<Feedback> feedback_of(const Opinion& opinion) {
  Feedback one;
  one.id = opinion.id;
  one.key = opinion.key;
  if (opinion.score) one.score = *opinion.score;
  one.value = opinion.value;
  if (!opinion.comment.empty()) one.comment = opinion.comment;
  if (!opinion.correction.is_null() && !opinion.correction.is_string() &&
      !opinion.correction.is_object())
    return fail(Code::invalid_argument, "correction: a text or an object is wanted, got {}",
                json::kind_name(opinion.correction));
  one.correction = opinion.correction;
  one.source = {{"type", opinion.source.empty() ? "api" : opinion.source},
                {"metadata", opinion.metadata}};
  return one;
}

Result<http::Created<FeedbackShape>> store_one(const http::Call& call, const Services& services,
                                               Feedback one) {
  if (one.run_id) TRY(place_of_run(call.context(), services, one));
  auto stored = TRY(services.feedbacks.put(call.context(), {std::move(one)}));
  const std::string location = "/api/feedback/" + stored.front().id;
  return http::Created<FeedbackShape>{shape_of(stored.front()), location};
}

Result<FeedbackList> list(const http::Call& call, const Services& services,
                          const FeedbackWish& wish) {
  FeedbackQuery query;
  if (!wish.run_id.empty()) query.run_ids = {wish.run_id};
  if (!wish.project.empty())
    query.session_ids = {TRY(project_uuid(call.context(), services, wish.project))};
  if (!wish.key.empty()) query.keys = {wish.key};
  if (!wish.source.empty()) query.sources = {wish.source};
  if (!wish.cursor.empty()) {
    const auto offset = json::parse(wish.cursor);
    const auto number = offset ? json::from<int>(*offset) : Result<int>(offset.error());
    if (!number || *number < 0)
      return fail(Code::invalid_argument, "cursor: '{}' is not of this list", wish.cursor);
    query.offset = *number;
  }
  query.limit = wish.limit;
  const auto found = TRY(services.feedbacks.list(call.context(), query));
  FeedbackList page;
  for (const Feedback& one : found) page.items.push_back(shape_of(one));
  if (static_cast<int>(found.size()) == wish.limit)
    page.next_cursor = fmt::format("{}", query.offset + wish.limit);
  return page;
}

Result<http::Created<LinkShape>> make_link(const http::Call& call, const Services& services,
                                           const RunPath& path, const LinkWish& wish) {
  constexpr Nanoseconds per_microsecond = 1000, per_minute = 60'000'000'000;
  const Run run = TRY(services.store.run(call.context(), path.id, path.trace_id));
  FeedbackToken token{.id = "", .run_id = run.id, .key = wish.key};
  token.expires = system_clock().now().time_since_epoch().count() * per_microsecond +
                  wish.expires_in_minutes * per_minute;
  const FeedbackToken made = TRY(services.feedbacks.make_token(call.context(), std::move(token)));
  return http::Created<LinkShape>{
      {made.id, fmt::format("{}/api/v1/feedback/tokens/{}", base_url(call.request()), made.id),
       time_text(made.expires)},
      ""};
}

std::vector<KeyStats> by_key(const FeedbackStats& stats) {
  std::vector<KeyStats> all;
  for (const auto& [key, stat] : stats)
    all.push_back({key, stat.count, stat.errors, stat.mean(), stat.deviation(), stat.values});
  return all;
}

void mount_writes(http::Api& api, const Services& services) {
  api.post<http::NoParameters, OpinionOn, http::Created<FeedbackShape>>(
      "/api/feedback",
      {.summary = "Give feedback to a run, a trace or a project",
       .tag = "feedback",
       .role = "write",
       .name = "create_feedback",
       .fails = {Code::not_found}},
      [services](const http::Call& call, const http::NoParameters&,
                 const OpinionOn& opinion) -> Result<http::Created<FeedbackShape>> {
        Feedback one = TRY(feedback_of(opinion));
        if (!opinion.trace_id.empty()) one.trace_id = opinion.trace_id;
        if (!opinion.run_id.empty()) one.run_id = opinion.run_id;
        if (!one.run_id && one.trace_id)
          one.run_id = TRY(root_of(call.context(), services, *one.trace_id));
        if (!opinion.project.empty())
          one.session_id = TRY(project_uuid(call.context(), services, opinion.project));
        if (!one.run_id && !one.session_id)
          return fail(Code::invalid_argument,
                      "run_id: is missing; name a run, a trace_id or a project");
        return store_one(call, services, std::move(one));
      });
  api.post<RunPath, Opinion, http::Created<FeedbackShape>>(
      "/api/runs/{id}/feedback",
      {.summary = "Give feedback to a run",
       .tag = "feedback",
       .role = "write",
       .name = "create_run_feedback",
       .fails = {Code::not_found}},
      [services](const http::Call& call, const RunPath& path,
                 const Opinion& opinion) -> Result<http::Created<FeedbackShape>> {
        const Run run = TRY(services.store.run(call.context(), path.id, path.trace_id));
        Feedback one = TRY(feedback_of(opinion));
        one.run_id = run.id;
        one.trace_id = run.trace_id;
        return store_one(call, services, std::move(one));
      });
  api.post<RunPath, LinkWish, http::Created<LinkShape>>(
      "/api/runs/{id}/feedback-links",
      {.summary = "A link by which anybody may give this run feedback",
       .description = "Followed (`?score=1&comment=...`) or posted to (`{\"score\": 1}`), no key "
                      "needed, until it expires. Each use is a piece of feedback of its own.",
       .tag = "feedback",
       .role = "write",
       .name = "create_feedback_link",
       .fails = {Code::not_found}},
      [services](const http::Call& call, const RunPath& path, const LinkWish& wish) {
        return make_link(call, services, path, wish);
      });
}

}  // namespace

void mount_native_feedback(http::Api& api, const Services& services) {
  mount_writes(api, services);
  api.get<FeedbackWish, FeedbackList>("/api/feedback",
                                      {.summary = "List feedback, youngest first",
                                       .tag = "feedback",
                                       .role = "read",
                                       .name = "list_feedback"},
                                      [services](const http::Call& call, const FeedbackWish& wish) {
                                        return list(call, services, wish);
                                      });
  api.get<StatsWishOfProject, ProjectStats>(
      "/api/feedback/stats",
      {.summary = "How a project was judged, by key",
       .tag = "feedback",
       .role = "read",
       .name = "feedback_stats"},
      [services](const http::Call& call, const StatsWishOfProject& wish) -> Result<ProjectStats> {
        TRY(place_feedback(call.context(), services));
        const std::string id = TRY(project_uuid(call.context(), services, wish.project));
        const auto of_runs = TRY(services.feedbacks.stats_of_session(call.context(), id, false));
        const auto of_session = TRY(services.feedbacks.stats_of_session(call.context(), id, true));
        return ProjectStats{by_key(of_runs), by_key(of_session)};
      });
  api.get<FeedbackPath, FeedbackShape>(
      "/api/feedback/{id}",
      {.summary = "One piece of feedback",
       .tag = "feedback",
       .role = "read",
       .name = "get_feedback",
       .fails = {Code::not_found}},
      [services](const http::Call& call, const FeedbackPath& path) -> Result<FeedbackShape> {
        return shape_of(TRY(services.feedbacks.get(call.context(), path.id)));
      });
  api.remove<FeedbackPath, http::NoContent>(
      "/api/feedback/{id}",
      {.summary = "Delete a piece of feedback",
       .tag = "feedback",
       .role = "write",
       .name = "delete_feedback",
       .fails = {Code::not_found}},
      [services](const http::Call& call, const FeedbackPath& path) -> Result<http::NoContent> {
        TRY(services.feedbacks.remove(call.context(), path.id));
        return http::NoContent{};
      });
}

}  // namespace slipway::trace::detail
