#include "rag/detail/shelf.hpp"

#include "rag/detail/chunking.hpp"
#include "rag/detail/defaults.hpp"
#include "rag/detail/generations.hpp"
#include "rag/detail/removal.hpp"

namespace slipway::rag::detail {

namespace {

/// [A-Za-z0-9._-], 1..128 characters: it appears in URLs and on command lines.
Result<void> check_name(const std::string& name) {
  constexpr std::size_t name_bytes_max = 128;
  const bool sound = !name.empty() && name.size() <= name_bytes_max &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) || c == '.' || c == '_' || c == '-';
                     });
  if (sound) return {};
  return fail(Code::invalid_argument,
              "collection name '{}': use 1 to {} letters, digits, dots, dashes and underscores",
              name, name_bytes_max);
}

Result<void> check_agrees(const CollectionRow& row, const CollectionSettings& asked) {
  if (!asked.embedder.empty() && asked.embedder != row.settings.embedder)
    return fail(
        Code::conflict,
        "collection '{}' is made with embedder '{}', not '{}'; use another collection name, or "
        "delete it first",
        row.name, row.settings.embedder, asked.embedder);
  if (!(asked.splitter == row.settings.splitter))
    return fail(Code::conflict,
                "collection '{}' is made with splitter {}, not {}; use another collection name, or "
                "delete it first",
                row.name, json::dump(json::to(row.settings.splitter)),
                json::dump(json::to(asked.splitter)));
  return {};
}

/// Whether it may be used for this row: a row's name changes when another generation takes its
/// place, and another process may have deleted the collection and made it anew.
bool is_of(const std::shared_ptr<OpenCollection>& open, const CollectionRow& row) {
  return open && open->row.name == row.name && open->row.created_at == row.created_at;
}

std::string list_names(const std::vector<CollectionRow>& rows) {
  std::vector<std::string> names;
  for (const CollectionRow& row : rows) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Result<std::shared_ptr<OpenCollection>> Shelf::open(const Context& context,
                                                    const std::string& name) {
  std::optional<CollectionRow> row;
  std::vector<CollectionRow> others;
  TRY(database().read(context, [&](store::Connection& connection) -> Result<void> {
    // Generations that do not serve have names that no collection can have.
    if (name.find('@') == std::string::npos) row = TRY(find_collection(connection, name));
    if (!row) others = TRY(all_collections(connection));
    return {};
  }));
  if (row) return open_row(context, std::move(*row));
  if (others.empty())
    return fail(Code::not_found,
                "collection '{}' does not exist, nor does any other; run slipway ingest first",
                name);
  return fail(Code::not_found, "collection '{}' does not exist; there are: {}", name,
              list_names(others));
}

Result<std::shared_ptr<OpenCollection>> Shelf::open(const Context& context, const std::string& name,
                                                    std::optional<std::int64_t> version) {
  if (!version) return open(context, name);
  std::optional<CollectionRow> row;
  TRY(database().read(context, [&](store::Connection& connection) -> Result<void> {
    row = TRY(generation_of(connection, name, *version));
    return {};
  }));
  return row ? open_row(context, std::move(*row)) : open(context, name);
}

Result<std::shared_ptr<OpenCollection>> Shelf::open_row(const Context& context, CollectionRow row) {
  const auto known = open_.with([&](auto& open) -> std::shared_ptr<OpenCollection> {
    const auto found = open.find(row.id);
    return found != open.end() && is_of(found->second, row) ? found->second : nullptr;
  });
  if (known) return known;
  auto opened = std::make_shared<OpenCollection>();
  opened->index = TRY(index::Index::open(context, database(),
                                         {.collection = row.id,
                                          .embedder = row.embedder_identity,
                                          .dimension = row.dimension,
                                          .language = row.settings.language,
                                          .folder = options_.segments})
                          .within(fmt::format("opening collection '{}'", row.name)));
  opened->row = std::move(row);
  // Two threads may have opened it at once; the first one in stays, so that all share one index.
  return open_.with([&](auto& open) {
    auto& slot = open[opened->row.id];
    if (!is_of(slot, opened->row)) slot = opened;
    return slot;
  });
}

CollectionSettings Shelf::settings_for(const std::string& name,
                                       const std::optional<CollectionSettings>& asked) const {
  CollectionSettings settings;
  if (const auto declared = options_.declared.find(name); declared != options_.declared.end())
    settings = declared->second;
  if (asked) settings = *asked;
  if (settings.embedder.empty()) settings.embedder = options_.default_embedder;
  return settings;
}

Result<CollectionRow> Shelf::make(const Context& context, const std::string& name,
                                  CollectionSettings settings) {
  TRY(settings.validate());
  TRY(settings.splitter.validate());
  TRY(index::check_language(settings.language));
  const auto embedder = TRY(catalog().embedder(context, settings.embedder));
  TRY(check_fits(settings.splitter, *embedder));
  CollectionRow row;
  row.name = name;
  row.settings = std::move(settings);
  row.embedder_identity = embedder->identity();
  row.dimension = embedder->dimension();
  row.created_at = format_time(clock().now());
  TRY(database().write(context, [&](store::Connection& connection) -> Result<void> {
    // Another ingest may have made it meanwhile.
    if (const auto existing = TRY(find_collection(connection, name)))
      row = *existing;
    else
      row.id = TRY(insert_collection(connection, row));
    return {};
  }));
  return row;
}

Result<std::shared_ptr<OpenCollection>> Shelf::open_or_make(
    const Context& context, const std::string& name,
    const std::optional<CollectionSettings>& asked) {
  TRY(check_name(name));
  std::optional<CollectionRow> row;
  TRY(database().read(context, [&](store::Connection& connection) -> Result<void> {
    row = TRY(find_collection(connection, name));
    return {};
  }));
  if (row && asked) TRY(check_agrees(*row, *asked));
  if (!row) row = TRY(make(context, name, settings_for(name, asked)));
  return open_row(context, std::move(*row));
}

Result<std::shared_ptr<OpenCollection>> Shelf::begin_filling(
    const Context& context, const std::string& name,
    const std::optional<CollectionSettings>& asked) {
  const std::lock_guard lock(filling_);
  const auto known = open(context, name);
  if (!known && known.error().code() != Code::not_found) return known.error();
  auto collection = TRY(open_or_make(context, name, asked));
  ++collection->fillers;
  collection->is_made_to_fill |= !known;
  return collection;
}

Result<void> Shelf::end_filling(OpenCollection& collection, bool has_failed) {
  const std::lock_guard lock(filling_);
  if (--collection.fillers > 0) return {};
  if (!std::exchange(collection.is_made_to_fill, false) || !has_failed) return {};
  // Whoever was cancelled cleans up all the same.
  const Context context;
  bool is_empty = false;
  TRY(database().read(context, [&](store::Connection& connection) -> Result<void> {
    is_empty = !TRY(has_documents(connection, collection.row.id));
    return {};
  }));
  if (!is_empty) return {};
  TRY(drop_generation(context, *this, collection.row));
  forget(collection.row.name);
  return {};
}

Result<std::shared_ptr<models::Embedder>> Shelf::embedder(const Context& context,
                                                          const OpenCollection& collection) {
  auto embedder = TRY(catalog().embedder(context, collection.row.settings.embedder));
  if (embedder->identity() != collection.row.embedder_identity)
    return fail(Code::conflict,
                "collection '{}' was made with {}, but the model installed under that name is {}; "
                "install the former, or delete the collection and ingest again",
                collection.row.name, collection.row.embedder_identity, embedder->identity());
  return embedder;
}

const CollectionSettings& Shelf::settings_now(const CollectionRow& row) const {
  const auto declared = options_.declared.find(row.plain_name());
  return declared != options_.declared.end() ? declared->second : row.settings;
}

std::string Shelf::named_by(const CollectionRow& row, std::string CollectionSettings::*setting,
                            std::optional<std::string> QuestionDefaults::*standard) const {
  const auto declared = options_.declared.find(row.plain_name());
  const bool is_declared = declared != options_.declared.end();
  if (is_declared && !(declared->second.*setting).empty()) return declared->second.*setting;
  if (const auto named = defaults_of(row).*standard) return *named;
  return is_declared ? "" : row.settings.*setting;
}

std::string Shelf::reranker_of(const CollectionRow& row) const {
  return named_by(row, &CollectionSettings::reranker, &QuestionDefaults::reranker);
}

std::string Shelf::prompt_of(const CollectionRow& row) const {
  return named_by(row, &CollectionSettings::prompt, &QuestionDefaults::prompt);
}

QuestionDefaults Shelf::defaults_of(const CollectionRow& row) const {
  const CollectionSettings& now = settings_now(row);
  return merged(now.defaults, row.settings.defaults);
}

std::int64_t Shelf::keep_versions_of(const CollectionRow& row) const {
  return settings_now(row).keep_versions;
}

const std::map<std::string, double>& Shelf::field_weights_of(const CollectionRow& row) const {
  return settings_now(row).field_weights;
}

void Shelf::forget(const std::string& name) {
  open_.with([&](auto& open) {
    std::erase_if(open, [&](const auto& entry) { return entry.second->row.plain_name() == name; });
  });
}

}  // namespace slipway::rag::detail
