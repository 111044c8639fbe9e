#include "rag/detail/versions.hpp"

#include <charconv>
#include <set>

#include "rag/detail/defaults.hpp"
#include "rag/detail/generations.hpp"
#include "rag/detail/removal.hpp"
#include "rag/detail/retrieve.hpp"

namespace slipway::rag::detail {

namespace {

std::optional<std::int64_t> as_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// It must not look like a number, and appears in URLs and on command lines.
Result<void> check_name(const std::string& name) {
  constexpr std::size_t name_bytes_max = 128;
  const bool sound = !name.empty() && name.size() <= name_bytes_max && name != "current" &&
                     std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) || c == '.' || c == '_' || c == '-';
                     });
  if (sound) return {};
  return fail(Code::invalid_argument,
              "snapshot name '{}': use a letter, then up to {} letters, digits, dots, dashes and "
              "underscores; 'current' is taken",
              name, name_bytes_max - 1);
}

DocumentName name_of(const DocumentRow& document) {
  return {document.info.id, document.info.uri, document.info.path, document.info.title};
}

std::string list_names(const std::vector<index::Hold>& holds) {
  std::vector<std::string> names;
  for (const index::Hold& hold : holds)
    if (hold.holder.starts_with(snapshot_prefix))
      names.push_back(hold.holder.substr(snapshot_prefix.size()));
  return names.empty() ? "there is none" : fmt::format("there are: {}", fmt::join(names, ", "));
}

/// A hold of any generation.
struct HoldOf {
  CollectionRow row;
  index::Hold hold;
};
Result<std::vector<HoldOf>> all_holds(store::Connection& connection, const std::string& name) {
  std::vector<HoldOf> all;
  for (const CollectionRow& row : TRY(generations_of(connection, name)))
    for (index::Hold& hold : TRY(index::holds_of(connection, row.id)))
      all.push_back({row, std::move(hold)});
  return all;
}

std::vector<index::Hold> holds_only(const std::vector<HoldOf>& all) {
  std::vector<index::Hold> holds;
  for (const HoldOf& one : all) holds.push_back(one.hold);
  return holds;
}

Result<VersionInfo> describe(store::Connection& connection, const CollectionRow& row,
                             std::int64_t version) {
  VersionInfo info;
  info.version = version;
  info.embedder = row.settings.embedder;
  info.splitter = row.settings.splitter;
  const Counts counts = TRY(count(connection, {row.id, version}));
  info.documents = counts.documents;
  info.chunks = counts.chunks;
  return info;
}

/// The generation and number of a version that can still be searched.
struct Found {
  CollectionRow row;
  std::int64_t version = 0;
};
Result<Found> find_version(store::Connection& connection, const CollectionRow& serving,
                           std::int64_t version) {
  const auto row = TRY(generation_of(connection, serving.name, version));
  Found found{row ? *row : serving, version};
  const index::History history = TRY(index::history_of(connection, found.row.id));
  if (!history.has(version))
    return fail(Code::not_found,
                "version {} of collection '{}' is not kept; slipway versions list tells what is",
                version, serving.name);
  return found;
}

/// What makes two rows of a document differ.
std::vector<std::string> differences(const DocumentRow& a, const DocumentRow& b) {
  std::vector<std::string> what;
  if (a.info.content_hash != b.info.content_hash || a.info.text_hash != b.info.text_hash)
    what.push_back("content");
  if (a.info.metadata != b.info.metadata) what.push_back("metadata");
  if (a.info.uri != b.info.uri) what.push_back("place");
  return what;
}

VersionDifference difference(const std::vector<DocumentRow>& from,
                             const std::vector<DocumentRow>& to) {
  VersionDifference found;
  std::map<std::string, const DocumentRow*> before;
  for (const DocumentRow& document : from) before[document.info.id] = &document;
  for (const DocumentRow& document : to) {
    const auto old = before.find(document.info.id);
    if (old == before.end()) {
      found.added.push_back(name_of(document));
      continue;
    }
    auto what = differences(*old->second, document);
    if (what.empty())
      ++found.unchanged;
    else
      found.changed.push_back({name_of(document), std::move(what)});
    before.erase(old);
  }
  for (const DocumentRow& document : from)
    if (before.contains(document.info.id)) found.removed.push_back(name_of(document));
  return found;
}

double common_part(const std::set<std::string>& a, const std::set<std::string>& b) {
  if (a.empty() && b.empty()) return 1;
  std::size_t both = 0;
  for (const std::string& id : a) both += b.contains(id);
  return static_cast<double>(both) / static_cast<double>(std::max(a.size(), b.size()));
}

struct FoundIds {
  std::set<std::string> chunks, documents;
};
Result<FoundIds> found_by(const Context& context, Shelf& shelf, Texts& texts,
                          const SearchRequest& request) {
  FoundIds ids;
  const Retrieved retrieved =
      TRY(retrieve(context, shelf, texts, TRY(with_defaults(context, shelf, request))));
  for (const Passage& passage : retrieved.passages) {
    ids.chunks.insert(passage.item.chunk_id);
    ids.documents.insert(passage.item.document_id);
  }
  return ids;
}

Result<Overlap> overlap_of(const Context& context, Shelf& shelf, Texts& texts,
                           const Comparison& comparison) {
  Overlap overlap;
  overlap.limit = comparison.limit;
  for (const std::string& query : comparison.queries) {
    SearchRequest request;
    request.collection = comparison.collection;
    request.query = query;
    request.limit = comparison.limit;
    request.version = comparison.from;
    const FoundIds before = TRY(found_by(context, shelf, texts, request));
    request.version = comparison.to;
    const FoundIds after = TRY(found_by(context, shelf, texts, request));
    overlap.chunks += common_part(before.chunks, after.chunks);
    overlap.documents += common_part(before.documents, after.documents);
    ++overlap.queries;
  }
  overlap.chunks /= static_cast<double>(overlap.queries);
  overlap.documents /= static_cast<double>(overlap.queries);
  return overlap;
}

}  // namespace

Result<GenerationInfo> describe_generation(store::Connection& connection,
                                           const CollectionRow& row) {
  GenerationInfo info;
  info.embedder = row.settings.embedder;
  info.splitter = row.settings.splitter;
  const std::string name = row.plain_name();
  info.state =
      row.name == name ? "serving" : (row.name == name_of_next(name) ? "building" : "former");
  const Counts counts = TRY(count(connection, row.id));
  info.documents = counts.documents;
  info.chunks = counts.chunks;
  info.first_version = TRY(first_version_of(connection, row));
  info.last_version = TRY(index::version_of(connection, row.id));
  return info;
}

Result<VersionList> list_versions(const Context& context, Shelf& shelf, const std::string& name) {
  const auto open = TRY(shelf.open(context, name));
  VersionList list;
  list.collection = name;
  list.keep_versions = shelf.keep_versions_of(open->row);
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    const index::History history = TRY(index::history_of(connection, open->row.id));
    list.current = history.current;
    list.oldest = history.oldest;
    std::map<std::int64_t, VersionInfo, std::greater<>> items;
    if (history.current > 0)
      items[history.current] = TRY(describe(connection, open->row, history.current));
    for (const HoldOf& held : TRY(all_holds(connection, name))) {
      const auto [at, is_new] = items.try_emplace(held.hold.version);
      VersionInfo& info = at->second;
      if (is_new) info = TRY(describe(connection, held.row, held.hold.version));
      const bool is_snapshot = held.hold.holder.starts_with(snapshot_prefix);
      const std::string_view prefix = is_snapshot ? snapshot_prefix : receipt_prefix;
      (is_snapshot ? info.names : info.receipts).push_back(held.hold.holder.substr(prefix.size()));
      info.created_at = held.hold.created_at;
    }
    if (history.current > 0) items[history.current].is_current = true;
    for (auto& [version, info] : items) list.items.push_back(std::move(info));
    for (const CollectionRow& row : TRY(generations_of(connection, name)))
      list.generations.push_back(TRY(describe_generation(connection, row)));
    return {};
  }));
  return list;
}

Result<std::int64_t> version_named(const Context& context, Shelf& shelf, const std::string& name,
                                   const std::string& version) {
  const auto open = TRY(shelf.open(context, name));
  std::int64_t number = 0;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    if (version == "current") {
      number = TRY(index::version_of(connection, open->row.id));
      return {};
    }
    if (const auto given = as_number(version)) {
      number = TRY(find_version(connection, open->row, *given)).version;
      return {};
    }
    const auto all = TRY(all_holds(connection, name));
    for (const HoldOf& held : all)
      if (held.hold.holder == std::string(snapshot_prefix) + version) {
        number = held.hold.version;
        return {};
      }
    return fail(Code::not_found,
                "collection '{}' has no snapshot '{}'; {}. Give a number, a name or 'current'",
                name, version, list_names(holds_only(all)));
  }));
  return number;
}

Result<VersionInfo> take_snapshot(const Context& context, Shelf& shelf,
                                  const std::string& collection, const std::string& name,
                                  std::optional<std::int64_t> version) {
  TRY(check_name(name));
  const auto open = TRY(shelf.open(context, collection));
  const std::string created_at = format_time(shelf.clock().now());
  VersionInfo info;
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    const std::string holder = std::string(snapshot_prefix) + name;
    const auto current = TRY(index::version_of(connection, open->row.id));
    if (current == 0)
      return fail(Code::conflict, "collection '{}' is empty: there is no version yet", collection);
    const Found found = TRY(find_version(connection, open->row, version.value_or(current)));
    for (const HoldOf& held : TRY(all_holds(connection, collection)))
      if (held.hold.holder == holder && held.hold.version != found.version)
        return fail(Code::conflict, "snapshot '{}' is version {} already; drop it first", name,
                    held.hold.version);
    TRY(index::hold(connection, found.row.id, {holder, found.version, created_at}));
    info = TRY(describe(connection, found.row, found.version));
    info.names = {name};
    info.created_at = created_at;
    info.is_current = found.version == current;
    return {};
  }));
  return info;
}

Result<void> drop_version(const Context& context, Shelf& shelf, const std::string& collection,
                          const std::string& name) {
  const auto open = TRY(shelf.open(context, collection));
  const auto number = as_number(name);
  std::set<std::int64_t> touched;
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    const auto all = TRY(all_holds(connection, collection));
    for (const HoldOf& held : all) {
      const bool is_meant = number ? held.hold.version == *number
                                   : held.hold.holder == std::string(snapshot_prefix) + name;
      if (!is_meant) continue;
      TRY(index::release(connection, held.row.id, held.hold.holder));
      touched.insert(held.row.id);
    }
    if (!touched.empty()) return {};
    if (number)
      return fail(Code::not_found, "no snapshot and no receipt holds version {}; {}", *number,
                  list_names(holds_only(all)));
    return fail(Code::not_found, "collection '{}' has no snapshot '{}'; {}", collection, name,
                list_names(holds_only(all)));
  }));
  for (const std::int64_t id : touched) {
    std::optional<CollectionRow> row;
    TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
      row = TRY(find_collection(connection, id));
      return {};
    }));
    if (row) TRY(prune(context, shelf, *TRY(shelf.open_row(context, *row))));
  }
  return {};
}

Result<VersionDifference> compare_versions(const Context& context, Shelf& shelf, Texts& texts,
                                           const Comparison& comparison) {
  const auto open = TRY(shelf.open(context, comparison.collection));
  VersionDifference found;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    const Found from = TRY(find_version(connection, open->row, comparison.from));
    const Found to = TRY(find_version(connection, open->row, comparison.to));
    found = difference(TRY(documents_seen(connection, {from.row.id, from.version})),
                       TRY(documents_seen(connection, {to.row.id, to.version})));
    return {};
  }));
  found.collection = comparison.collection;
  found.from = comparison.from;
  found.to = comparison.to;
  if (!comparison.queries.empty())
    found.overlap = TRY(overlap_of(context, shelf, texts, comparison));
  return found;
}

}  // namespace slipway::rag::detail
