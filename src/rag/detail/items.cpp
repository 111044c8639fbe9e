#include "rag/detail/items.hpp"

#include <unordered_map>

#include "core/files.hpp"
#include "documents/images.hpp"
#include "rag/detail/chunking.hpp"

namespace slipway::rag::detail {

namespace {

/// In a fingerprint: what follows is of what a connector says of the document.
constexpr std::string_view source_mark = " source ";

std::string short_hash(std::string_view bytes) { return sha256(bytes).substr(7, 24); }

/// A file uri has no '#' of its own: it would be percent-encoded.
std::string uri_of(const documents::SourceFile& file, const std::string& part) {
  constexpr std::size_t scheme_bytes = 7;  // "file://"
  return part.empty() ? file.uri : file.uri + "#" + documents::file_uri(part).substr(scheme_bytes);
}

bool is_picture(std::string_view media_type) { return media_type.starts_with("image/"); }

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

std::vector<Item> ItemReader::read(const Context& context, const Origin& origin) const {
  const auto known = known_of(origin.file.uri);
  auto content = read_origin(context, origin, known_validator(known));
  auto items = content ? load(context, origin, *std::move(content))
                       : Result<std::vector<Item>>(std::move(content.error()));
  if (items) return *std::move(items);
  std::vector<Item> failure;
  failure.push_back(failed(origin.file, std::move(items.error())));
  return failure;
}

Result<std::vector<Item>> ItemReader::load(const Context& context, const Origin& origin,
                                           Content content) const {
  const documents::SourceFile& file = origin.file;
  const auto known = known_of(file.uri);
  if (content.state == Content::State::unchanged) return as_known(file, known, content.validator);
  std::vector<Item> items;
  if (content.state == Content::State::gone) {
    items.push_back(failed(file, fail(Code::not_found,
                                      "it does not exist any more; --sync deletes "
                                      "what was taken in of it")));
    items.back().change = Change::gone;
    return items;
  }
  std::string fingerprint = fingerprint_of(origin, content);
  const std::string content_hash = sha256(content.bytes);
  if (is_unchanged(known, content_hash, fingerprint))
    return as_known(file, known, content.validator);
  const auto size = static_cast<std::int64_t>(content.bytes.size());
  std::shared_ptr<const std::string> original;
  if (origin.given != nullptr) original = std::make_shared<const std::string>(content.bytes);
  if (const std::string_view image = documents::image_media_type(content.bytes);
      !image.empty() && embedder_.reads_images()) {
    items.push_back(TRY(load_image(context, origin, content, image)));
    items.back().row.fingerprint = fingerprint;
    keep_original(items.back(), original);
    return items;
  }
  auto loaded = TRY(documents::load_all(
      context,
      {.path = file.path, .bytes = std::move(content.bytes), .media_type = content.media_type},
      {.password = request_.password,
       .json = request_.loading.json,
       .ocr_command = request_.loading.ocr_command,
       .ocr_readable = request_.loading.ocr_readable}));
  const bool is_whole = loaded.size() == 1 && loaded.front().part.empty();
  if (!is_whole) fingerprint += fmt::format(" parts {}", loaded.size());
  for (documents::Document& document : loaded) {
    Item& item = items.emplace_back(make_item(origin, content_hash, document.part));
    keep_original(item, original);
    item.row.fingerprint = fingerprint;
    item.row.validator = content.validator;
    item.row.info.size_bytes = size;
    if (!content.modified_at.empty()) item.row.info.modified_at = content.modified_at;
    if (is_whole && !content.title.empty()) document.title = content.title;
    for (const auto& [key, value] : content.metadata) document.metadata[key] = value;
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

/// A picture is one chunk: its vector is the picture's, its text only says what it is.
Result<Item> ItemReader::load_image(const Context& context, const Origin& origin,
                                    const Content& content, std::string_view media_type) const {
  const std::string content_hash = sha256(content.bytes);
  Item item = make_item(origin, content_hash, "");
  const Image image = TRY(documents::decode_image(context, content.bytes));
  DocumentInfo& info = item.row.info;
  const std::string name = std::filesystem::path(origin.file.path).filename().string();
  info.title = content.title.empty() ? name : content.title;
  info.media_type = media_type;
  info.size_bytes = static_cast<std::int64_t>(content.bytes.size());
  if (!content.modified_at.empty()) info.modified_at = content.modified_at;
  json::Object metadata = content.metadata;
  metadata["width"] = image.width;
  metadata["height"] = image.height;
  for (const auto& [key, value] : request_.metadata) metadata[key] = value;
  info.metadata = std::move(metadata);
  item.row.validator = content.validator;
  item.row.source_map = documents::SourceMap().encode();
  item.text = fmt::format("{} (picture, {} x {} pixels)", info.title, image.width, image.height);
  info.text_hash = sha256(item.text);
  item.chunks.push_back({"", {0, item.text.size()}, ""});
  cut(item, item.text);
  item.vector_keys = {content_hash};
  if (!request_.dry_run)
    item.image_vector =
        TRY(embedder_.image_embedder()->embed_images(context, std::span(&image, 1))).front();
  judge(item);
  return item;
}

/// The picture itself is not stored: another model must see the file again.
Result<void> ItemReader::recut_image(const Context& context, Item& item,
                                     const std::string& text) const {
  item.text = text;
  item.chunks.push_back({"", {0, text.size()}, ""});
  cut(item, text);
  item.vector_keys = {item.row.info.content_hash};
  if (!embedder_.reads_images())
    return fail(Code::unsupported, "embedder '{}' reads no pictures; delete this one first",
                embedder_.name());
  const auto file = documents::file_of_uri(item.row.info.uri);
  const documents::ImageOptions limits;
  const auto bytes = file ? read_file(*file, limits.bytes_max)
                          : Result<std::string>(fail(Code::not_found, "it is not on this machine"));
  if (!bytes || sha256(*bytes) != item.row.info.content_hash)
    return fail(Code::not_found,
                "the picture must be seen again, and its file is not what it was; ingest or delete "
                "it first");
  const Image image = TRY(documents::decode_image(context, *bytes));
  item.image_vector =
      TRY(embedder_.image_embedder()->embed_images(context, std::span(&image, 1))).front();
  return {};
}

/// Nobody else may have the bytes of what a caller brought.
void ItemReader::keep_original(Item& item, std::shared_ptr<const std::string> original) const {
  if (!original) return;
  item.row.original = item.row.info.content_hash;
  item.original = std::move(original);
}

std::string ItemReader::fingerprint_of(const Origin& origin, const Content& content) const {
  if (origin.connector != nullptr)
    return fingerprint_ + std::string(source_mark) +
           short_hash(content.title + json::dump_canonical(content.metadata));
  if (origin.given != nullptr && !content.media_type.empty())
    return fingerprint_ + " type " + content.media_type;
  return fingerprint_;
}

Item ItemReader::make_item(const Origin& origin, const std::string& content_hash,
                           const std::string& part) const {
  const documents::SourceFile& file = origin.file;
  Item item;
  item.file = file;
  DocumentInfo& info = item.row.info;
  info.uri = uri_of(file, part);
  info.path = part.empty() ? file.path : file.path + "#" + part;
  info.content_hash = content_hash;
  item.row.given_metadata = request_.metadata;
  const auto known = known_.find(info.uri);
  if (known != known_.end()) {
    info.id = known->second.id;
  } else if (const auto before = origin.given != nullptr
                                     ? std::nullopt  // Its uri says which document it is.
                                     : gone_.claim(content_hash, part_of(info.uri))) {
    info.id = known_.at(*before).id;
    item.change = Change::moved;
  } else {
    info.id = "doc_" + short_hash(request_.collection + "\n" + info.uri);
  }
  return item;
}

std::vector<ItemReader::Known::const_iterator> ItemReader::known_of(const std::string& uri) const {
  std::vector<Known::const_iterator> found;
  if (const auto whole = known_.find(uri); whole != known_.end()) found.push_back(whole);
  const std::string first_part = uri + "#";
  for (auto at = known_.lower_bound(first_part);
       at != known_.end() && at->first.starts_with(first_part); ++at)
    found.push_back(at);
  return found;
}

/// Nothing when what is stored was made with other settings: then it must be read whatever its
/// source says.
std::string ItemReader::known_validator(const std::vector<Known::const_iterator>& known) const {
  for (const auto& at : known)
    if (!at->second.fingerprint.starts_with(fingerprint_ + std::string(source_mark))) return "";
  return known.empty() ? "" : known.front()->second.validator;
}

bool ItemReader::is_unchanged(const std::vector<Known::const_iterator>& known,
                              const std::string& content_hash,
                              const std::string& fingerprint) const {
  if (known.empty()) return false;
  const bool is_whole = known.size() == 1 && known.front()->first.find('#') == std::string::npos;
  const std::string expected =
      is_whole ? fingerprint : fmt::format("{} parts {}", fingerprint, known.size());
  return std::all_of(known.begin(), known.end(), [&](const auto& at) {
    return at->second.content_hash == content_hash && at->second.fingerprint == expected;
  });
}

std::vector<Item> ItemReader::as_known(const documents::SourceFile& file,
                                       const std::vector<Known::const_iterator>& known,
                                       const std::string& validator) const {
  std::vector<Item> items;
  for (const auto& at : known) {
    Item& item = items.emplace_back();
    item.file = file;
    item.row.info.uri = at->first;
    item.row.info.id = at->second.id;
    item.row.info.content_hash = at->second.content_hash;
    item.row.given_metadata = request_.metadata;
    item.change = at->second.metadata == request_.metadata ? Change::unchanged : Change::metadata;
    if (validator != at->second.validator) item.row.validator = validator;
  }
  return items;
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
  if (is_picture(stored.info.media_type) && text.map.pieces.empty()) {
    TRY(recut_image(context, item, text.text));
    return item;
  }
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
