#include "rag/detail/removal.hpp"

#include <set>

#include "core/files.hpp"
#include "rag/detail/contextual.hpp"
#include "rag/detail/generations.hpp"
#include "rag/detail/receipts.hpp"
#include "rag/detail/versions.hpp"

namespace slipway::rag::detail {

namespace {

/// One erasure: first the rows of all generations in one transaction, then what lies in files.
class Erasing {
 public:
  Erasing(const Context& context, Shelf& shelf, const DocumentRow& document)
      : context_(context), shelf_(shelf), document_(document) {}

  Result<DeletionReport> run() {
    const DocumentInfo& info = document_.info;
    report_.document = {info.id, info.uri, info.path, info.title};
    // First, since who has the traces may refuse: then nothing has changed.
    report_.traces = TRY(shelf_.erase_traces(context_, info.id));
    TRY(open());
    TRY(shelf_.database().write(context_, [&](store::Connection& connection) -> Result<void> {
      for (const auto& generation : generations_) TRY(erase_rows(connection, *generation));
      return {};
    }));
    for (const std::string& text : texts_) {
      const std::int64_t contexts = TRY(release_text(context_, shelf_, text));
      if (contexts >= 0) ++report_.texts;
      report_.contexts += std::max<std::int64_t>(0, contexts);
    }
    for (const auto& generation : generations_)
      TRY(generation->index->seal(context_, {.purge = true}));
    TRY(shelf_.database().settle(context_));
    TRY(look_for_rest());
    erase_late_traces();
    return std::move(report_);
  }

 private:
  Result<void> open() {
    std::vector<CollectionRow> rows;
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      const auto serving = TRY(find_collection(connection, document_.collection));
      if (serving) rows = TRY(generations_of(connection, serving->plain_name()));
      return {};
    }));
    for (const CollectionRow& row : rows) {
      report_.collection = row.plain_name();
      generations_.push_back(TRY(shelf_.open_row(context_, row)));
    }
    return {};
  }

  Result<void> erase_rows(store::Connection& connection, const OpenCollection& generation) {
    const std::int64_t collection = generation.row.id;
    const std::string& id = document_.info.id;
    TRY(note_snapshots(connection, collection));
    const index::Erased erased = TRY(generation.index->erase(connection, id));
    report_.rows += erased.rows;
    report_.chunks += erased.chunks;
    report_.vectors += erased.vectors;
    for (std::string& text : TRY(erase_document(connection, collection, id)))
      texts_.insert(std::move(text));
    report_.receipts += TRY(redact_receipts(connection, collection, id));
    if (generation.row.name == generation.row.plain_name())
      report_.index_version = TRY(generation.index->version(connection));
    return {};
  }

  Result<void> note_snapshots(store::Connection& connection, std::int64_t collection) {
    for (const index::Hold& hold : TRY(index::holds_of(connection, collection))) {
      if (!hold.holder.starts_with(snapshot_prefix)) continue;
      if (TRY(is_seen_by(connection, {collection, hold.version}, document_.info.id)))
        report_.snapshots.push_back(hold.holder.substr(snapshot_prefix.size()));
    }
    return {};
  }

  /// Of questions that came meanwhile.
  void erase_late_traces() {
    const auto erased = shelf_.erase_traces(context_, document_.info.id);
    if (erased)
      report_.traces += *erased;
    else
      report_.remaining.push_back("traces (" + erased.error().message() + ")");
  }

  Result<void> look_for_rest() {
    TRY(shelf_.database().read(context_, [&](store::Connection& connection) -> Result<void> {
      for (const auto& generation : generations_)
        if (!TRY(texts_of_document(connection, generation->row.id, document_.info.id)).empty())
          report_.remaining.emplace_back("the table of documents");
      for (const std::string& text : texts_)
        if (!TRY(text_is_used(connection, text)) && TRY(shelf_.blobs().contains(text)))
          report_.remaining.push_back("text " + text);
      return {};
    }));
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(shelf_.segments(), error)) {
      // Ids are random enough that no other document's bytes look like one.
      const auto bytes = read_file(entry.path());
      if (bytes && bytes->find(document_.info.id) != std::string::npos)
        report_.remaining.push_back(entry.path().string());
    }
    return {};
  }

  const Context& context_;
  Shelf& shelf_;
  const DocumentRow& document_;
  std::vector<std::shared_ptr<OpenCollection>> generations_;
  std::set<std::string> texts_;
  DeletionReport report_;
};

/// A former generation goes when its last version is as old as old versions may be, unless one of
/// its versions is held.
Result<void> drop_old_generations(const Context& context, Shelf& shelf,
                                  const CollectionRow& collection) {
  std::vector<CollectionRow> old;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    const std::string name = collection.plain_name();
    const auto generations = TRY(generations_of(connection, name));
    if (generations.size() < 2) return {};
    const auto current = TRY(index::version_of(connection, generations.front().id));
    for (const CollectionRow& row : generations) {
      if (row.name == name || row.name == name_of_next(name)) continue;
      const index::History history = TRY(index::history_of(connection, row.id));
      if (history.held.empty() && current - history.current > shelf.keep_versions_of(row))
        old.push_back(row);
    }
    return {};
  }));
  for (const CollectionRow& row : old) TRY(drop_generation(context, shelf, row));
  return {};
}

}  // namespace

Result<void> remove_document(const Context& context, Shelf& shelf, OpenCollection& collection,
                             const std::string& id) {
  return shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    TRY(check_place(connection, collection.row));
    TRY(collection.index->remove(connection, id));
    return retire_document(connection, collection.row.id, id,
                           TRY(collection.index->version(connection)));
  });
}

Result<DeletionReport> erase_everywhere(const Context& context, Shelf& shelf,
                                        const DocumentRow& document) {
  return Erasing(context, shelf, document).run();
}

Result<void> prune(const Context& context, Shelf& shelf, const OpenCollection& collection) {
  std::vector<std::string> texts;
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t id = collection.row.id;
    TRY(index::prune(connection, id, shelf.keep_versions_of(collection.row)));
    texts = TRY(prune_documents(connection, id, TRY(index::history_of(connection, id))));
    return {};
  }));
  for (const std::string& text : texts) TRY(release_text(context, shelf, text));
  return drop_old_generations(context, shelf, collection.row);
}

Result<void> drop_generation(const Context& context, Shelf& shelf, const CollectionRow& row) {
  std::vector<std::string> texts;
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    texts = TRY(texts_of(connection, row.id));
    TRY(index::drop_collection(connection, row.id));
    return delete_collection(connection, row.id);
  }));
  if (!shelf.segments().empty()) index::remove_segment_files(shelf.segments(), row.id);
  for (const std::string& text : texts) TRY(release_text(context, shelf, text));
  return {};
}

Result<std::int64_t> release_text(const Context& context, Shelf& shelf,
                                  const std::string& text_hash) {
  // In a transaction of its own, because a text must not go before the commit that frees it, and no
  // writer may put the same text between the question and the removal.
  std::int64_t contexts = -1;
  TRY(shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    if (TRY(text_is_used(connection, text_hash))) return {};
    contexts = TRY(forget_contexts(connection, text_hash));
    return shelf.blobs().remove(text_hash);
  }));
  return contexts;
}

Result<std::vector<std::string>> sweep_texts(const Context& context, Shelf& shelf) {
  const auto stored = TRY(shelf.blobs().list());
  std::vector<std::string> unused;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    for (const std::string& hash : stored)
      if (!TRY(text_is_used(connection, hash))) unused.push_back(hash);
    return {};
  }));
  for (const std::string& hash : unused) TRY(release_text(context, shelf, hash));
  return unused;
}

}  // namespace slipway::rag::detail
