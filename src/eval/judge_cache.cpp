#include "eval/judge_cache.hpp"

namespace slipway::eval {

namespace {

constexpr std::int64_t replies_max = 200'000;
constexpr std::size_t reply_bytes_max = 1u << 20;

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> steps{
      {"judge_cache", 1,
       "CREATE TABLE judge_replies(number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,"
       " reply TEXT NOT NULL) STRICT"}};
  return steps;
}

}  // namespace

Result<std::unique_ptr<JudgeCache>> JudgeCache::open(const std::filesystem::path& path) {
  auto database = TRY(store::Database::open({.path = path, .durable = false}, migrations())
                          .within("the cache of judges"));
  return std::unique_ptr<JudgeCache>(new JudgeCache(std::move(database)));
}

Result<std::optional<std::string>> JudgeCache::find(const Context& context,
                                                    const std::string& key) {
  std::optional<std::string> reply;
  TRY(database_->read(context, [&](store::Connection& connection) -> Result<void> {
    auto query = TRY(connection.prepare("SELECT reply FROM judge_replies WHERE key = ?"));
    if (TRY(query.bind(0, key).step())) reply = std::string(query.text(0));
    return {};
  }));
  return reply;
}

Result<void> JudgeCache::keep(const Context& context, const std::string& key,
                              const std::string& reply) {
  if (reply.size() > reply_bytes_max) return {};
  return database_->write(context, [&](store::Connection& connection) -> Result<void> {
    auto add = TRY(connection.prepare(
        "INSERT INTO judge_replies(key, reply) VALUES(?, ?) ON CONFLICT(key) DO NOTHING"));
    TRY(add.bind(0, key).bind(1, reply).run());
    auto span =
        TRY(connection.prepare("SELECT max(number) - min(number), min(number) FROM judge_replies"));
    TRY(span.step());
    if (span.integer(0) < replies_max) return {};
    auto prune = TRY(connection.prepare("DELETE FROM judge_replies WHERE number < ?"));
    return prune.bind(0, span.integer(1) + replies_max / 10).run();
  });
}

}  // namespace slipway::eval
