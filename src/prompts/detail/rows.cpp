#include "prompts/detail/rows.hpp"

#include <algorithm>
#include <charconv>

#include "core/hex.hpp"
#include "store/sql.hpp"

namespace slipway::prompts {

std::vector<store::Migration> migrations() {
  return {{"prompts", 1, R"sql(
    CREATE TABLE prompts(
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      description TEXT NOT NULL,
      readme TEXT NOT NULL,
      labels TEXT NOT NULL,
      is_public INTEGER NOT NULL,
      is_archived INTEGER NOT NULL,
      is_liked INTEGER NOT NULL,
      traffic TEXT NOT NULL,
      likes INTEGER NOT NULL,
      downloads INTEGER NOT NULL,
      created_us INTEGER NOT NULL,
      updated_us INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE prompt_commits(
      n INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      prompt_id TEXT NOT NULL,
      version INTEGER NOT NULL,
      hash TEXT NOT NULL,
      parent_hash TEXT NOT NULL,
      description TEXT NOT NULL,
      form TEXT NOT NULL,
      body TEXT NOT NULL,
      created_us INTEGER NOT NULL,
      downloads INTEGER NOT NULL);
    CREATE UNIQUE INDEX prompt_commits_version ON prompt_commits(prompt_id, version);
    CREATE UNIQUE INDEX prompt_commits_hash ON prompt_commits(prompt_id, hash);
    CREATE TABLE prompt_tags(
      prompt_id TEXT NOT NULL,
      tag TEXT NOT NULL,
      commit_id TEXT NOT NULL,
      updated_us INTEGER NOT NULL,
      PRIMARY KEY(prompt_id, tag)) WITHOUT ROWID;
    CREATE INDEX prompt_tags_commit ON prompt_tags(commit_id);
  )sql"}};
}

namespace detail {

namespace {

constexpr std::string_view commit_columns =
    "SELECT c.id, c.version, c.hash, c.parent_hash, c.description, c.form, c.body, c.created_us, "
    "c.downloads, (SELECT json_group_array(t.tag) FROM prompt_tags t WHERE t.commit_id = c.id) "
    "FROM prompt_commits c";

Clock::Time time_at(const store::Statement& row, int column) {
  return Clock::Time(std::chrono::microseconds(row.integer(column)));
}

Result<Commit> commit_at(const store::Statement& row) {
  Commit commit;
  commit.id = row.text(0);
  commit.version = static_cast<int>(row.integer(1));
  commit.hash = row.text(2);
  commit.parent_hash = row.text(3);
  commit.description = row.text(4);
  commit.form = TRY(json::from<Form>(json::Value(boost::json::string(row.text(5)))));
  commit.body = TRY(json::from<json::Object>(TRY(json::parse(row.text(6)))));
  commit.created = time_at(row, 7);
  commit.downloads = row.integer(8);
  commit.tags = TRY(json::from<std::vector<std::string>>(TRY(json::parse(row.text(9)))));
  return commit;
}

}  // namespace

const std::string_view select_prompts =
    "SELECT p.id, p.name, p.kind, p.description, p.readme, p.labels, p.is_public, p.is_archived, "
    "p.is_liked, p.traffic, p.likes, p.downloads, p.created_us, p.updated_us, (SELECT COUNT(*) "
    "FROM prompt_commits c WHERE c.prompt_id = p.id), (SELECT c.hash FROM prompt_commits c WHERE "
    "c.prompt_id = p.id ORDER BY c.version DESC LIMIT 1) FROM prompts p";

Result<Prompt> prompt_at(const store::Statement& row) {
  Prompt prompt;
  prompt.id = row.text(0);
  prompt.name = row.text(1);
  prompt.kind = TRY(json::from<Kind>(json::Value(boost::json::string(row.text(2)))));
  prompt.description = row.text(3);
  prompt.readme = row.text(4);
  prompt.labels = TRY(json::from<std::vector<std::string>>(TRY(json::parse(row.text(5)))));
  prompt.is_public = row.integer(6) != 0;
  prompt.is_archived = row.integer(7) != 0;
  prompt.is_liked = row.integer(8) != 0;
  prompt.traffic = TRY(json::from<std::vector<Share>>(TRY(json::parse(row.text(9)))));
  prompt.likes = row.integer(10);
  prompt.downloads = row.integer(11);
  prompt.created = time_at(row, 12);
  prompt.updated = time_at(row, 13);
  prompt.commits = row.integer(14);
  if (!row.is_null(15)) prompt.last_hash = row.text(15);
  return prompt;
}

Result<std::optional<Prompt>> find_prompt(store::Connection& connection, const std::string& name) {
  auto select =
      TRY(connection.prepare(fmt::format("{} WHERE p.name = ? OR p.id = ?", select_prompts)));
  if (!TRY(select.bind(0, name).bind(1, name).step())) return std::optional<Prompt>();
  return std::optional(TRY(prompt_at(select)));
}

Result<void> write_prompt(store::Connection& connection, const Prompt& prompt) {
  auto put = TRY(connection.prepare(
      store::sql::put("prompts",
                      "id, name, kind, description, readme, labels, is_public, is_archived, "
                      "is_liked, traffic, likes, downloads, created_us, updated_us",
                      "id")));
  put.bind(0, prompt.id).bind(1, prompt.name).bind(2, json::name(prompt.kind));
  put.bind(3, prompt.description).bind(4, prompt.readme);
  put.bind(5, json::dump(json::to(prompt.labels)));
  put.bind(6, prompt.is_public ? 1 : 0).bind(7, prompt.is_archived ? 1 : 0);
  put.bind(8, prompt.is_liked ? 1 : 0).bind(9, json::dump(json::to(prompt.traffic)));
  put.bind(10, prompt.likes).bind(11, prompt.downloads);
  put.bind(12, prompt.created.time_since_epoch().count());
  put.bind(13, prompt.updated.time_since_epoch().count());
  return put.run();
}

Result<std::optional<Commit>> find_commit(store::Connection& connection,
                                          const std::string& prompt_id,
                                          const std::string& reference) {
  const auto one = [&](std::string_view where,
                       const std::string& operand) -> Result<std::optional<Commit>> {
    auto select = TRY(connection.prepare(fmt::format(
        "{} WHERE c.prompt_id = ? AND {} ORDER BY c.version DESC LIMIT 1", commit_columns, where)));
    select.bind(0, prompt_id);
    if (!operand.empty()) select.bind(1, operand);
    if (!TRY(select.step())) return std::optional<Commit>();
    return std::optional(TRY(commit_at(select)));
  };
  if (reference == "latest" || reference.empty()) return one("1", "");
  if (auto tagged = TRY(one("c.id = (SELECT t.commit_id FROM prompt_tags t WHERE t.prompt_id = "
                            "c.prompt_id AND t.tag = ?)",
                            reference)))
    return tagged;
  if (auto named = TRY(one("c.id = ?", reference))) return named;
  constexpr std::size_t digits_min = 8, digits_max = 64;
  if (reference.size() >= digits_min && reference.size() <= digits_max && hex::is_small(reference))
    return one("c.hash LIKE ? || '%'", reference);
  int version = 0;
  const auto [end, error] =
      std::from_chars(reference.data(), reference.data() + reference.size(), version);
  if (error != std::errc() || end != reference.data() + reference.size())
    return std::optional<Commit>();
  return one("c.version = CAST(? AS INTEGER)", reference);
}

Result<std::vector<Commit>> list_commits(store::Connection& connection,
                                         const std::string& prompt_id, int limit, int offset) {
  std::vector<Commit> all;
  auto select = TRY(connection.prepare(fmt::format(
      "{} WHERE c.prompt_id = ? ORDER BY c.version DESC LIMIT ? OFFSET ?", commit_columns)));
  select.bind(0, prompt_id).bind(1, limit).bind(2, offset);
  while (TRY(select.step())) all.push_back(TRY(commit_at(select)));
  return all;
}

Result<void> write_commit(store::Connection& connection, const std::string& prompt_id,
                          const Commit& commit) {
  auto put = TRY(
      connection.prepare("INSERT INTO prompt_commits(id, prompt_id, version, hash, parent_hash, "
                         "description, form, body, created_us, downloads) VALUES (?, ?, ?, ?, ?, "
                         "?, ?, ?, ?, 0)"));
  put.bind(0, commit.id).bind(1, prompt_id).bind(2, commit.version).bind(3, commit.hash);
  put.bind(4, commit.parent_hash).bind(5, commit.description).bind(6, json::name(commit.form));
  put.bind(7, json::dump(commit.body)).bind(8, commit.created.time_since_epoch().count());
  return put.run();
}

}  // namespace detail

}  // namespace slipway::prompts
