// Versions of a dataset: their names, what they hold, how they differ.
#include <algorithm>
#include <map>

#include "core/files.hpp"
#include "datasets/datasets.hpp"
#include "datasets/detail/rows.hpp"
#include "store/sql.hpp"
#include "trace/face.hpp"
#include "trace/sessions.hpp"

namespace slipway::datasets {

namespace {

constexpr std::size_t tag_bytes_max = 256;
constexpr std::int64_t tags_max = 1000;

/// The last version at or before that moment.
Result<Version> last_at(store::Connection& connection, const detail::DatasetRow& row,
                        const AsOf& as_of) {
  const Version moment = TRY(detail::resolve(connection, row, as_of));
  auto select = TRY(connection.prepare(
      "SELECT max(version) FROM datasets_versions WHERE dataset = ? AND version <= ?"));
  TRY(select.bind(0, row.n).bind(1, moment).step());
  if (select.is_null(0))
    return fail(Code::not_found, "dataset '{}' has no version {}", row.dataset.name,
                moment == latest ? "yet: it has no examples" : "that old");
  return select.integer(0);
}

Result<VersionInfo> info_of(store::Connection& connection, const detail::DatasetRow& row,
                            Version version) {
  VersionInfo info{.version = version};
  if (version == TRY(last_at(connection, row, AsOf{}))) info.tags.emplace_back("latest");
  auto tags = TRY(connection.prepare(
      "SELECT tag FROM datasets_tags WHERE dataset = ? AND version = ? ORDER BY tag"));
  tags.bind(0, row.n).bind(1, version);
  while (TRY(tags.step())) info.tags.emplace_back(tags.text(0));
  return info;
}

/// The text, or the same with sorted keys where it can be read.
json::Value content(const std::optional<std::string>& text) {
  if (!text) return json::Value();
  auto value = json::parse(*text);
  return value ? *std::move(value) : json::Value(*text);
}

std::string digest_of(const Example& example) {
  json::Object object{{"inputs", content(example.inputs)},
                      {"outputs", content(example.outputs)},
                      {"metadata", example.metadata}};
  json::Object attachments;
  for (const Attachment& one : example.attachments)
    attachments[one.name] = json::Array{json::Value(one.hash), json::Value(one.media_type)};
  if (!attachments.empty()) object["attachments"] = std::move(attachments);
  return sha256(json::dump_canonical(object));
}

Result<std::map<std::string, Version>> born(store::Connection& connection, std::int64_t dataset,
                                            Version version) {
  std::map<std::string, Version> all;
  TRY(detail::each_example(connection, {.dataset = dataset, .version = version},
                           [&](store::Statement& row) -> Result<bool> {
                             const Example example = TRY(detail::read_revision(row)).example;
                             all.emplace(example.id, example.modified);
                             return true;
                           }));
  return all;
}

}  // namespace

Result<AsOf> parse_as_of(const std::string& text) {
  if (text.empty()) return AsOf{};
  constexpr std::size_t shortest_time = 10;  // "2026-11-23"
  const bool is_time = text.size() >= shortest_time && text[4] == '-' && text[7] == '-' &&
                       text.find_first_not_of("0123456789-+:.TZ ") == std::string::npos;
  if (!is_time) return AsOf{.tag = text};
  constexpr Version nanoseconds = 1000;
  return AsOf{.time = TRY(trace::read_langsmith_time(text).within("as_of")) / nanoseconds};
}

Result<std::vector<VersionInfo>> Datasets::versions(const Context& context, const std::string& id,
                                                    const VersionQuery& query) {
  std::vector<VersionInfo> all;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    auto select = TRY(connection.prepare(fmt::format(
        "SELECT version FROM datasets_versions v WHERE dataset = ?1 AND (?2 = '' OR "
        "EXISTS(SELECT 1 FROM datasets_tags t WHERE t.dataset = ?1 AND t.version = v.version AND "
        "{})) ORDER BY version DESC LIMIT ?3 OFFSET ?4",
        store::sql::contains("t.tag", "?2"))));
    select.bind(0, row.n).bind(1, query.tag_part).bind(2, query.limit).bind(3, query.offset);
    while (TRY(select.step())) all.push_back(TRY(info_of(connection, row, select.integer(0))));
    return {};
  }));
  return all;
}

Result<VersionInfo> Datasets::version(const Context& context, const std::string& id,
                                      const AsOf& as_of) {
  VersionInfo found;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    found = TRY(info_of(connection, row, TRY(last_at(connection, row, as_of))));
    return {};
  }));
  return found;
}

Result<VersionInfo> Datasets::tag(const Context& context, const std::string& id, const AsOf& as_of,
                                  const std::string& tag) {
  if (tag.empty() || tag.size() > tag_bytes_max)
    return fail(Code::invalid_argument, "tag: 1 to {} bytes are wanted", tag_bytes_max);
  if (tag == "latest")
    return fail(Code::invalid_argument, "tag: 'latest' is always the youngest version");
  if (TRY(parse_as_of(tag)).tag.empty())
    return fail(Code::invalid_argument, "tag: '{}' would be read as a time", tag);
  VersionInfo found;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    const Version version = TRY(last_at(connection, row, as_of));
    auto count = TRY(connection.prepare("SELECT count(*) FROM datasets_tags WHERE dataset = ?"));
    TRY(count.bind(0, row.n).step());
    if (count.integer(0) >= tags_max)
      return fail(Code::invalid_argument, "tag: dataset '{}' has {} tags already", row.dataset.name,
                  tags_max);
    auto insert = TRY(connection.prepare(
        store::sql::put("datasets_tags", "dataset, tag, version", "dataset, tag")));
    TRY(insert.bind(0, row.n).bind(1, tag).bind(2, version).run());
    found = TRY(info_of(connection, row, version));
    return {};
  }));
  return found;
}

Result<Difference> Datasets::diff(const Context& context, const std::string& id, const AsOf& from,
                                  const AsOf& to) {
  Difference difference;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    const auto before = TRY(born(connection, row.n, TRY(detail::resolve(connection, row, from))));
    const auto after = TRY(born(connection, row.n, TRY(detail::resolve(connection, row, to))));
    for (const auto& [example, version] : after) {
      const auto old = before.find(example);
      if (old == before.end())
        difference.added.push_back(example);
      else if (old->second != version)
        difference.modified.push_back(example);
    }
    for (const auto& [example, version] : before)
      if (!after.contains(example)) difference.removed.push_back(example);
    return {};
  }));
  return difference;
}

Result<std::string> Datasets::digest(const Context& context, const std::string& id,
                                     const AsOf& as_of) {
  std::string digest;
  bool is_known = false;
  std::int64_t dataset = 0;
  Version version = 0, modified = 0;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    const auto row = TRY(detail::need_dataset(connection, trace::as_uuid(id)));
    dataset = row.n;
    modified = row.dataset.modified;
    version = TRY(last_at(connection, row, as_of));
    auto known = TRY(connection.prepare(
        "SELECT digest FROM datasets_versions WHERE dataset = ? AND version = ?"));
    TRY(known.bind(0, dataset).bind(1, version).step());
    is_known = !known.is_null(0);
    if (is_known) {
      digest = known.text(0);
      return {};
    }
    std::vector<std::string> all;
    TRY(detail::each_example(connection, {.dataset = dataset, .version = version},
                             [&](store::Statement& one) -> Result<bool> {
                               all.push_back(digest_of(TRY(detail::read_revision(one)).example));
                               return true;
                             }));
    std::sort(all.begin(), all.end());
    digest = sha256(fmt::format("{}", fmt::join(all, "\n")));
    return {};
  }));
  if (is_known) return digest;
  // Not if something was deleted for good meanwhile: every change moves `modified`.
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare(
        "UPDATE datasets_versions SET digest = ? WHERE dataset = ? AND version = ? AND "
        "EXISTS(SELECT 1 FROM datasets_datasets WHERE n = dataset AND modified = ?)"));
    return update.bind(0, digest).bind(1, dataset).bind(2, version).bind(3, modified).run();
  }));
  return digest;
}

}  // namespace slipway::datasets
