#include "rag/detail/items.hpp"

#include <unordered_map>

#include "core/files.hpp"
#include "rag/detail/chunking.hpp"

namespace slipway::rag::detail {

namespace {

std::string short_hash(std::string_view bytes) { return sha256(bytes).substr(7, 24); }

/// A file uri has no '#' of its own: it would be percent-encoded.
std::string uri_of(const documents::SourceFile& file, const std::string& part) {
  constexpr std::size_t scheme_bytes = 7;  // "file://"
  return part.empty() ? file.uri : file.uri + "#" + documents::file_uri(part).substr(scheme_bytes);
}

Item failed(const documents::SourceFile& file, Error error) {
  Item item;
  item.file = file;
  item.row.info.uri = file.uri;
  item.error = std::move(error);
  return item;
}

/// With its '#'; empty for a document that is all of its file.
std::string_view part_of(std::string_view uri) {
  const std::size_t at = uri.find('#');
  return at == std::string_view::npos ? std::string_view() : uri.substr(at);
}

}  // namespace

std::string_view source_of(std::string_view uri) { return uri.substr(0, uri.find('#')); }

GoneDocuments::GoneDocuments(const Known& known, const std::vector<documents::SourceFile>& files) {
  std::set<std::string_view> listed;
  for (const documents::SourceFile& file : files) listed.insert(file.uri);
  for (const auto& [uri, document] : known) {
    const std::string_view source = source_of(uri);
    if (listed.contains(source)) continue;
    std::error_code error;
    const auto file = documents::file_of_uri(source);
    if (!file || std::filesystem::exists(*file, error) || error) continue;
    by_content_.emplace(document.content_hash + std::string(part_of(uri)), uri);
  }
}

std::optional<std::string> GoneDocuments::claim(const std::string& content_hash,
                                                std::string_view part) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = by_content_.equal_range(content_hash + std::string(part));
  for (auto at = first; at != last; ++at)
    if (claimed_.insert(at->second).second) return at->second;
  return std::nullopt;
}

bool GoneDocuments::is_claimed(const std::string& uri) const {
  const std::lock_guard lock(mutex_);
  return claimed_.contains(uri);
}

std::vector<Item> ItemReader::read(const Context& context,
                                   const documents::SourceFile& file) const {
  std::vector<Item> items;
  const documents::LoadOptions limits;
  auto bytes = read_file(file.file, limits.bytes_max);
  if (!bytes) {
    items.push_back(failed(file, std::move(bytes.error())));
    return items;
  }
  const std::string content_hash = sha256(*bytes);
  if (auto known = unchanged(file, content_hash)) return *std::move(known);
  const auto size = static_cast<std::int64_t>(bytes->size());
  auto loaded = documents::load_all(
      context, {.path = file.path, .bytes = *std::move(bytes), .media_type = ""},
      {.password = request_.password,
       .json = request_.loading.json,
       .ocr_command = request_.loading.ocr_command,
       .ocr_readable = request_.loading.ocr_readable});
  if (!loaded) {
    items.push_back(failed(file, std::move(loaded.error())));
    return items;
  }
  const std::string parts = loaded->size() == 1 && loaded->front().part.empty()
                                ? ""
                                : fmt::format(" parts {}", loaded->size());
  for (documents::Document& document : *loaded) {
    Item& item = items.emplace_back(make_item(file, content_hash, document.part));
    item.row.fingerprint += parts;
    item.row.info.size_bytes = size;
    auto filled = fill(context, item, std::move(document));
    if (filled) {
      judge(item);
    } else {
      item.change = Change::failed;
      item.error = std::move(filled.error());
    }
  }
  return items;
}

Item ItemReader::make_item(const documents::SourceFile& file, const std::string& content_hash,
                           const std::string& part) const {
  Item item;
  item.file = file;
  DocumentInfo& info = item.row.info;
  info.uri = uri_of(file, part);
  info.path = part.empty() ? file.path : file.path + "#" + part;
  info.content_hash = content_hash;
  info.modified_at = format_time(file.modified_at);
  item.row.fingerprint = fingerprint_;
  item.row.given_metadata = request_.metadata;
  const auto known = known_.find(info.uri);
  if (known != known_.end()) {
    info.id = known->second.id;
  } else if (const auto before = gone_.claim(content_hash, part_of(info.uri))) {
    info.id = known_.at(*before).id;
    item.change = Change::moved;
  } else {
    info.id = "doc_" + short_hash(request_.collection + "\n" + info.uri);
  }
  return item;
}

/// The items of a file that was loaded before with the same bytes and settings, all of it.
std::optional<std::vector<Item>> ItemReader::unchanged(const documents::SourceFile& file,
                                                       const std::string& content_hash) const {
  std::vector<Item> items;
  const std::string first_part = file.uri + "#";
  auto at = known_.find(file.uri);
  const bool is_whole = at != known_.end() && at->second.content_hash == content_hash &&
                        at->second.fingerprint == fingerprint_;
  if (!is_whole) at = known_.lower_bound(first_part);
  const auto add = [&] {
    Item& item = items.emplace_back(make_item(file, content_hash, ""));
    item.row.info.uri = at->first;
    item.row.info.id = at->second.id;
    item.change = at->second.metadata == request_.metadata ? Change::unchanged : Change::metadata;
  };
  if (is_whole) {
    add();
    return items;
  }
  std::vector<const KnownDocument*> parts;
  for (; at != known_.end() && at->first.starts_with(first_part); ++at) {
    parts.push_back(&at->second);
    add();
  }
  const std::string fingerprint = fmt::format("{} parts {}", fingerprint_, parts.size());
  for (const KnownDocument* part : parts)
    if (part->content_hash != content_hash || part->fingerprint != fingerprint) return std::nullopt;
  return parts.empty() ? std::nullopt : std::optional(std::move(items));
}

void ItemReader::judge(Item& item) const {
  if (item.change == Change::moved) return;
  const auto known = known_.find(item.row.info.uri);
  if (known == known_.end())
    item.change = Change::added;
  else if (item.row.info.uri != item.file.uri &&
           known->second.text_hash == item.row.info.text_hash &&
           known->second.metadata == request_.metadata)
    item.change = Change::relocated;
  else
    item.change = Change::updated;
}

Result<void> ItemReader::fill(const Context& context, Item& item,
                              documents::Document document) const {
  DocumentInfo& info = item.row.info;
  info.title = document.title;
  info.media_type = document.media_type;
  info.warnings = document.warnings;
  json::Object metadata = document.metadata;
  for (const auto& [key, value] : request_.metadata) metadata[key] = value;
  info.metadata = std::move(metadata);
  info.text_hash = sha256(document.text);
  item.row.source_map = document.map.encode();
  const auto spans = TRY(chunk_document(context, document, item.file.path, settings_.splitter,
                                        embedder_, item.splitting));
  for (const documents::Span span : spans) item.chunks.push_back({"", span, ""});
  cut(item, document.text);
  if (contexts_ != nullptr) TRY(add_contexts(context, item, document.text));
  item.text = std::move(document.text);
  return {};
}

Result<Item> ItemReader::recut(const Context& context, const DocumentRow& stored,
                               const StoredText& text) const {
  Item item;
  item.change = Change::updated;
  item.file.uri = stored.info.uri;
  item.file.path = stored.info.path;
  item.row = stored;
  documents::Document document;
  document.text = text.text;
  document.map = text.map;
  document.title = stored.info.title;
  document.media_type = stored.info.media_type;
  document.metadata = stored.info.metadata.as_object();
  document.warnings = stored.info.warnings;
  TRY(fill(context, item, std::move(document)));
  return item;
}

/// Chunk ids and quotes stay those of the text; only what is searched changes.
Result<void> ItemReader::add_contexts(const Context& context, Item& item,
                                      const std::string& text) const {
  ContextRequest request{item.row.info.title, text, item.row.info.text_hash, {}, {}};
  for (const ChunkRow& chunk : item.chunks) {
    request.chunks.push_back(chunk.span);
    request.chunk_hashes.push_back(chunk.text_hash);
  }
  if (request_.dry_run) {
    item.contexts_usd = TRY(contexts_->estimate_usd(context, request));
    return {};
  }
  const auto contexts = TRY(contexts_->write(context, request));
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (contexts[i].empty()) continue;
    item.chunk_texts[i] = contexts[i] + "\n\n" + item.chunk_texts[i];
    item.vector_keys[i] = sha256(item.chunk_texts[i]);
  }
  return {};
}

/// Gives every chunk its text, its hash and an id that stays as long as the chunk's text does.
void ItemReader::cut(Item& item, const std::string& text) const {
  std::unordered_map<std::string, int> occurrences;
  std::int64_t tokens = 0;
  for (ChunkRow& chunk : item.chunks) {
    item.chunk_texts.push_back(text.substr(chunk.span.start, chunk.span.size()));
    chunk.text_hash = sha256(item.chunk_texts.back());
    item.vector_keys.push_back(chunk.text_hash);
    const int occurrence = occurrences[chunk.text_hash]++;
    chunk.id = "chk_" +
               short_hash(fmt::format("{}\n{}\n{}", item.row.info.id, chunk.text_hash, occurrence));
    tokens += static_cast<std::int64_t>(embedder_.count_tokens(item.chunk_texts.back()));
  }
  item.row.info.chunks = static_cast<std::int64_t>(item.chunks.size());
  item.row.info.tokens = tokens;
}

}  // namespace slipway::rag::detail
