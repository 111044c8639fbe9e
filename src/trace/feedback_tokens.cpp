// Feedback's configurations and links.
#include "core/files.hpp"
#include "core/uuid.hpp"
#include "store/columns.hpp"
#include "store/sql.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

constexpr Nanoseconds per_microsecond = 1000;
constexpr std::size_t config_bytes_max = 64u << 10;
constexpr std::size_t key_bytes_max = 256;
constexpr int tokens_max = 1000;

Result<FeedbackToken> token_at(const store::Statement& row) {
  FeedbackToken token;
  token.id = row.text(0);
  token.run_id = row.text(1);
  token.key = row.text(2);
  token.expires = row.integer(3);
  return token;
}

Result<void> check_key(const std::string& key) {
  if (key.empty() || key.size() > key_bytes_max)
    return fail(Code::invalid_argument, "feedback_key: 1 to {} bytes are wanted, got {}",
                key_bytes_max, key.size());
  return {};
}

}  // namespace

Result<std::vector<FeedbackConfig>> Feedbacks::configs(const Context& context) {
  std::vector<FeedbackConfig> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare("SELECT key, config, is_lower_better, modified_ns FROM "
                               "trace_feedback_configs ORDER BY key"));
    while (TRY(select.step())) {
      FeedbackConfig& one = all.emplace_back();
      one.key = select.text(0);
      one.config = TRY(json::from<json::Object>(TRY(json::parse(select.text(1)))));
      one.is_lower_score_better = store::optional_flag(select, 2);
      one.modified = select.integer(3);
    }
    return {};
  }));
  return all;
}

Result<FeedbackConfig> Feedbacks::put_config(const Context& context, FeedbackConfig config) {
  TRY(check_key(config.key));
  const std::string text = json::dump(config.config);
  if (text.size() > config_bytes_max)
    return fail(Code::invalid_argument, "feedback_config: has {} bytes, at most {} are taken",
                text.size(), config_bytes_max);
  config.modified = clock_.now().time_since_epoch().count() * per_microsecond;
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto put = TRY(connection.prepare(store::sql::put(
        "trace_feedback_configs", "key, config, is_lower_better, modified_ns", "key")));
    put.bind(0, config.key).bind(1, text);
    store::bind_optional(put, 2, config.is_lower_score_better);
    put.bind(3, config.modified);
    return put.run();
  }));
  return config;
}

Result<void> Feedbacks::remove_config(const Context& context, const std::string& key) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM trace_feedback_configs WHERE key = ?"));
    TRY(remove.bind(0, key).run());
    if (connection.changes() == 0)
      return fail(Code::not_found, "Feedback config '{}' not found", key.substr(0, 100));
    return {};
  });
}

Result<FeedbackToken> Feedbacks::make_token(const Context& context, FeedbackToken token) {
  constexpr Nanoseconds day = 86'400'000'000'000, days_max = 400;
  TRY(check_key(token.key));
  if (token.run_id.empty()) return fail(Code::invalid_argument, "run_id: is missing");
  token.id = token.id.empty() ? make_uuid(random_) : as_uuid(token.id);
  const Nanoseconds now = clock_.now().time_since_epoch().count() * per_microsecond;
  if (token.expires <= now || token.expires - now > days_max * day)
    return fail(Code::invalid_argument, "expires_at: a time within the next {} days is wanted",
                days_max);
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto old = TRY(connection.prepare("DELETE FROM trace_feedback_tokens WHERE expires_ns < ?"));
    TRY(old.bind(0, now).run());
    auto put =
        TRY(connection.prepare("INSERT INTO trace_feedback_tokens(hash, id, run_id, run_uuid, key, "
                               "expires_ns) VALUES (?, ?, ?, ?, ?, ?)"));
    put.bind(0, sha256(token.id)).bind(1, token.id).bind(2, token.run_id);
    put.bind(3, as_uuid(token.run_id)).bind(4, token.key).bind(5, token.expires);
    return put.run().within("feedback token");
  }));
  return token;
}

Result<std::vector<FeedbackToken>> Feedbacks::tokens(const Context& context,
                                                     const std::string& run_id) {
  std::vector<FeedbackToken> all;
  const Nanoseconds now = clock_.now().time_since_epoch().count() * per_microsecond;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare("SELECT id, run_id, key, expires_ns FROM trace_feedback_tokens WHERE "
                           "run_uuid = ? AND expires_ns > ? ORDER BY expires_ns, id LIMIT ?"));
    select.bind(0, as_uuid(run_id)).bind(1, now).bind(2, tokens_max);
    while (TRY(select.step())) all.push_back(TRY(token_at(select)));
    return {};
  }));
  return all;
}

Result<FeedbackToken> Feedbacks::token(const Context& context, const std::string& id) {
  std::optional<FeedbackToken> found;
  const Nanoseconds now = clock_.now().time_since_epoch().count() * per_microsecond;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare("SELECT id, run_id, key, expires_ns FROM trace_feedback_tokens WHERE "
                           "hash = ? AND expires_ns > ?"));
    if (TRY(select.bind(0, sha256(as_uuid(id))).bind(1, now).step())) found = TRY(token_at(select));
    return {};
  }));
  if (!found)
    return fail(Code::not_found, "this feedback link does not exist or is no longer valid");
  return *std::move(found);
}

}  // namespace slipway::trace
