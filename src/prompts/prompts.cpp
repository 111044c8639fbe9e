#include "prompts/prompts.hpp"

#include <algorithm>
#include <cmath>

#include "core/files.hpp"
#include "core/uuid.hpp"
#include "prompts/detail/rows.hpp"
#include "store/sql.hpp"

namespace slipway::prompts {

namespace {

using detail::find_prompt;

constexpr std::size_t texts_bytes_max = 1u << 20, commit_bytes_max = 4u << 20;
constexpr std::int64_t commits_max = 10'000;
constexpr int list_max = 1000;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view name) {
  constexpr std::size_t name_max = 128;
  return !name.empty() && name.size() <= name_max && is_plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_plain(c) || c == '-' || c == '_' || c == '.'; });
}

Result<void> check(const Prompt& prompt) {
  if (!is_name(prompt.name))
    return fail(Code::invalid_argument,
                "name: '{}' is no name of a prompt: 1 to 128 letters, digits, '-', '_' and '.', "
                "with a letter or digit first",
                prompt.name.substr(0, 100));
  std::size_t bytes = prompt.description.size() + prompt.readme.size();
  for (const std::string& label : prompt.labels) bytes += label.size();
  if (bytes > texts_bytes_max)
    return fail(Code::invalid_argument, "prompt '{}': its texts have {} bytes, at most {}",
                prompt.name, bytes, texts_bytes_max);
  return {};
}

Result<void> check(const NewCommit& commit) {
  const std::size_t bytes = json::dump(commit.body).size();
  if (bytes > commit_bytes_max)
    return fail(Code::invalid_argument, "the commit has {} bytes, at most {} are taken", bytes,
                commit_bytes_max);
  if (commit.form == Form::native) TRY(read_template(commit.body));
  if (commit.form == Form::manifest) TRY(check_manifest(commit.body));
  return {};
}

Error unknown(const std::string& name) {
  return fail(Code::not_found, "Prompt '{}' not found", name.substr(0, 128));
}

}  // namespace

Result<Template> template_of(const Commit& commit) {
  if (commit.form == Form::native) return read_template(commit.body);
  if (commit.form == Form::manifest) return template_of_manifest(commit.body);
  return fail(Code::unsupported, "this is a directory of files, no prompt");
}

Result<Prompt> Prompts::create(const Context& context, Prompt prompt) {
  TRY(check(prompt));
  prompt.id = make_uuid(random_);
  prompt.created = prompt.updated = clock_.now();
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    if (TRY(find_prompt(connection, prompt.name)))
      return fail(Code::conflict, "Prompt '{}' already exists.", prompt.name);
    return detail::write_prompt(connection, prompt);
  }));
  return prompt;
}

Result<Prompt> Prompts::get(const Context& context, const std::string& name) {
  std::optional<Prompt> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    found = TRY(find_prompt(connection, name));
    return {};
  }));
  if (!found) return unknown(name);
  return *std::move(found);
}

Result<Prompt> Prompts::change(const Context& context, const std::string& name,
                               const PromptChange& change) {
  Prompt prompt = TRY(get(context, name));
  if (change.description) prompt.description = *change.description;
  if (change.readme) prompt.readme = *change.readme;
  if (change.labels) prompt.labels = *change.labels;
  if (change.is_public) prompt.is_public = *change.is_public;
  if (change.is_archived) prompt.is_archived = *change.is_archived;
  prompt.updated = clock_.now();
  TRY(check(prompt));
  TRY(database_.write(context, [&](store::Connection& connection) {
    return detail::write_prompt(connection, prompt);
  }));
  return prompt;
}

Result<void> Prompts::remove(const Context& context, const std::string& name) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    const auto prompt = TRY(find_prompt(connection, name));
    if (!prompt) return unknown(name);
    for (const char* sql :
         {"DELETE FROM prompt_tags WHERE prompt_id = ?",
          "DELETE FROM prompt_commits WHERE prompt_id = ?", "DELETE FROM prompts WHERE id = ?"}) {
      auto remove = TRY(connection.prepare(sql));
      TRY(remove.bind(0, prompt->id).run());
    }
    return {};
  });
}

Result<PromptPage> Prompts::list(const Context& context, const PromptQuery& query) {
  constexpr std::pair<std::string_view, std::string_view> sorts[] = {
      {"updated_at", "p.updated_us"},
      {"created_at", "p.created_us"},
      {"name", "p.name"},
      {"num_likes", "p.likes"},
      {"num_downloads", "p.downloads"}};
  std::string_view column = sorts[0].second;
  for (const auto& [name, one] : sorts)
    if (name == query.sort) column = one;
  std::string where = " WHERE 1";
  if (query.text)
    where += fmt::format(" AND ({} OR {})", store::sql::contains("lower(p.name)", "?1"),
                         store::sql::contains("lower(p.description)", "?1"));
  const auto flag = [&](std::string_view name, const std::optional<bool>& value) {
    if (value) where += fmt::format(" AND {}p.{}", *value ? "" : "NOT ", name);
  };
  flag("is_public", query.is_public);
  flag("is_archived", query.is_archived);
  if (query.kind) where += fmt::format(" AND p.kind = '{}'", json::name(*query.kind));
  std::string text = query.text.value_or("");
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  PromptPage page;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto count = TRY(connection.prepare("SELECT COUNT(*) FROM prompts p" + where));
    if (query.text) count.bind(0, text);
    if (TRY(count.step())) page.total = count.integer(0);
    auto select = TRY(connection.prepare(
        fmt::format("{}{} ORDER BY {} {}, p.name LIMIT {} OFFSET {}", detail::select_prompts, where,
                    column, query.is_descending ? "DESC" : "ASC",
                    std::clamp(query.limit, 1, list_max), std::max(query.offset, 0))));
    if (query.text) select.bind(0, text);
    while (TRY(select.step())) page.items.push_back(TRY(detail::prompt_at(select)));
    return {};
  }));
  return page;
}

Result<std::int64_t> Prompts::like(const Context& context, const std::string& name, bool is_liked) {
  Prompt prompt = TRY(get(context, name));
  if (prompt.is_liked != is_liked) prompt.likes += is_liked ? 1 : -1;
  prompt.is_liked = is_liked;
  TRY(database_.write(context, [&](store::Connection& connection) {
    return detail::write_prompt(connection, prompt);
  }));
  return prompt.likes;
}

Result<void> Prompts::share_traffic(const Context& context, const std::string& name,
                                    std::vector<Share> traffic) {
  constexpr std::size_t shares_max = 20;
  if (traffic.size() > shares_max)
    return fail(Code::invalid_argument, "traffic: {} shares, at most {}", traffic.size(),
                shares_max);
  for (const Share& share : traffic) {
    if (!(share.share > 0) || !std::isfinite(share.share))
      return fail(Code::invalid_argument, "traffic: the share of '{}' is {}, not above 0",
                  share.reference, share.share);
    TRY(find(context, name, share.reference).within("traffic"));
  }
  Prompt prompt = TRY(get(context, name));
  prompt.traffic = std::move(traffic);
  prompt.updated = clock_.now();
  return database_.write(context, [&](store::Connection& connection) {
    return detail::write_prompt(connection, prompt);
  });
}

Result<Commit> Prompts::commit(const Context& context, const std::string& name, NewCommit wish) {
  TRY(check(wish));
  Commit commit;
  commit.id = make_uuid(random_);
  commit.form = wish.form;
  commit.description = wish.description;
  commit.created = clock_.now();
  const std::string content =
      fmt::format("{}\n{}", json::name(wish.form), json::dump_canonical(wish.body));
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    const auto prompt = TRY(find_prompt(connection, name));
    if (!prompt) return unknown(name);
    if (prompt->commits >= commits_max)
      return fail(Code::conflict, "prompt '{}' has {} commits, more are not kept", name,
                  prompt->commits);
    if (const auto latest = TRY(detail::find_commit(connection, prompt->id, "latest"))) {
      commit.parent_hash = latest->hash;
      commit.version = latest->version;
      if (fmt::format("{}\n{}", json::name(latest->form), json::dump_canonical(latest->body)) ==
          content)
        return fail(Code::conflict, "Nothing to commit: prompt '{}' is like that since version {}",
                    name, latest->version);
    }
    if (!wish.parent_hash.empty() && !commit.parent_hash.starts_with(wish.parent_hash))
      return fail(Code::conflict,
                  "prompt '{}' has changed meanwhile: its latest commit is {}, not {}", name,
                  commit.parent_hash.empty() ? "none" : commit.parent_hash,
                  wish.parent_hash.substr(0, 64));
    ++commit.version;
    constexpr std::size_t prefix = 7;  // "sha256:"
    commit.hash = sha256(commit.parent_hash + '\n' + content).substr(prefix);
    commit.body = std::move(wish.body);
    TRY(detail::write_commit(connection, prompt->id, commit));
    auto touch = TRY(connection.prepare("UPDATE prompts SET updated_us = ? WHERE id = ?"));
    return touch.bind(0, commit.created.time_since_epoch().count()).bind(1, prompt->id).run();
  }));
  return commit;
}

Result<Commit> Prompts::find(const Context& context, const std::string& name,
                             const std::string& reference) {
  std::optional<Commit> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto prompt = TRY(find_prompt(connection, name));
    if (!prompt) return unknown(name);
    found = TRY(detail::find_commit(connection, prompt->id, reference));
    return {};
  }));
  if (!found)
    return fail(Code::not_found, "Prompt '{}' has no commit '{}'", name.substr(0, 128),
                reference.substr(0, 100));
  return *std::move(found);
}

Result<std::vector<Commit>> Prompts::commits(const Context& context, const std::string& name,
                                             int limit, int offset) {
  std::vector<Commit> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto prompt = TRY(find_prompt(connection, name));
    if (!prompt) return unknown(name);
    all = TRY(detail::list_commits(connection, prompt->id, std::clamp(limit, 1, list_max),
                                   std::max(offset, 0)));
    return {};
  }));
  return all;
}

Result<void> Prompts::count_download(const Context& context, const std::string& commit_id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto commit =
        TRY(connection.prepare("UPDATE prompt_commits SET downloads = downloads + 1 WHERE id = ?"));
    TRY(commit.bind(0, commit_id).run());
    auto prompt =
        TRY(connection.prepare("UPDATE prompts SET downloads = downloads + 1 WHERE id = (SELECT "
                               "prompt_id FROM prompt_commits WHERE id = ?)"));
    return prompt.bind(0, commit_id).run();
  });
}

Result<void> Prompts::tag(const Context& context, const std::string& name, const std::string& tag,
                          const std::string& reference) {
  const bool is_version =
      std::all_of(tag.begin(), tag.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_name(tag) || is_version || tag == "latest")
    return fail(Code::invalid_argument,
                "tag: '{}' is no name of a tag: letters, digits, '-', '_' and '.', no version and "
                "not 'latest'",
                tag.substr(0, 100));
  const Commit commit = TRY(find(context, name, reference));
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto put = TRY(connection.prepare(store::sql::put_from(
        "prompt_tags", "prompt_id, tag, commit_id, updated_us", "prompt_id, tag",
        "SELECT prompt_id, ?, id, ? FROM prompt_commits WHERE id = ?")));
    put.bind(0, tag).bind(1, clock_.now().time_since_epoch().count()).bind(2, commit.id);
    return put.run();
  });
}

Result<std::map<std::string, int>> Prompts::tags(const Context& context, const std::string& name) {
  std::map<std::string, int> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare("SELECT t.tag, c.version FROM prompts p JOIN prompt_tags t ON "
                           "t.prompt_id = p.id JOIN prompt_commits c ON c.id = t.commit_id WHERE "
                           "p.name = ?"));
    select.bind(0, name);
    while (TRY(select.step()))
      all[std::string(select.text(0))] = static_cast<int>(select.integer(1));
    return {};
  }));
  return all;
}

Result<void> Prompts::untag(const Context& context, const std::string& name,
                            const std::string& tag) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    const auto prompt = TRY(find_prompt(connection, name));
    if (!prompt) return unknown(name);
    auto remove =
        TRY(connection.prepare("DELETE FROM prompt_tags WHERE prompt_id = ? AND tag = ?"));
    TRY(remove.bind(0, prompt->id).bind(1, tag).run());
    if (connection.changes() == 0)
      return fail(Code::not_found, "Prompt '{}' has no tag '{}'", name, tag.substr(0, 100));
    return {};
  });
}

Result<std::string> Prompts::share_of(const Context& context, const Prompt& prompt,
                                      const std::string& sticky) {
  if (prompt.traffic.empty()) {
    const auto production = find(context, prompt.name, "production");
    return std::string(production ? "production" : "latest");
  }
  double sum = 0;
  for (const Share& share : prompt.traffic) sum += share.share;
  constexpr int digits = 13;  // 52 bits: what a double holds exactly.
  constexpr std::size_t prefix = 7;
  const std::uint64_t bits =
      sticky.empty()
          ? random_.next() >> 12
          : std::stoull(sha256(prompt.name + '\n' + sticky).substr(prefix, digits), nullptr, 16);
  double place = std::ldexp(static_cast<double>(bits), -52) * sum;
  for (const Share& share : prompt.traffic) {
    place -= share.share;
    if (place < 0) return share.reference;
  }
  return prompt.traffic.back().reference;
}

Result<Chosen> Prompts::choose(const Context& context, const std::string& reference,
                               const std::string& sticky) {
  const std::size_t at = reference.find('@');
  const Prompt prompt = TRY(get(context, reference.substr(0, at)));
  const std::string which =
      at == std::string::npos ? TRY(share_of(context, prompt, sticky)) : reference.substr(at + 1);
  const Commit commit = TRY(find(context, prompt.name, which));
  Template written =
      TRY(template_of(commit).within(fmt::format("prompt '{}@{}'", prompt.name, commit.version)));
  return Chosen{prompt.name, commit.hash, commit.version, std::move(written)};
}

Result<Rendered> Prompts::render(const Context& context, const std::string& reference,
                                 const json::Object& variables, const std::string& sticky) {
  Chosen chosen = TRY(choose(context, reference, sticky));
  Rendered rendered;
  rendered.messages = TRY(prompts::render(chosen.written, variables)
                              .within(fmt::format("prompt '{}@{}'", chosen.name, chosen.version)));
  rendered.name = std::move(chosen.name);
  rendered.hash = std::move(chosen.hash);
  rendered.version = chosen.version;
  rendered.model = std::move(chosen.written.model);
  rendered.parameters = std::move(chosen.written.parameters);
  return rendered;
}

}  // namespace slipway::prompts
