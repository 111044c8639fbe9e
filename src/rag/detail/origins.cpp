#include "rag/detail/origins.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "core/unicode.hpp"

namespace slipway::rag::detail {

std::string_view source_of(std::string_view uri) { return uri.substr(0, uri.find('#')); }

Result<Content> read_origin(const Context& context, const Origin& origin,
                            const std::string& known_validator) {
  Content content;
  const documents::LoadOptions limits;
  if (origin.given != nullptr) {
    content.media_type = origin.given->media_type;
    content.bytes = origin.given->file.empty()
                        ? origin.given->bytes
                        : TRY(read_file(origin.given->file, limits.bytes_max));
    return content;
  }
  if (origin.connector == nullptr) {
    content.bytes = TRY(read_file(origin.file.file, limits.bytes_max));
    content.modified_at = format_time(origin.file.modified_at);
    return content;
  }
  auto fetched = TRY(origin.connector->fetch(context, origin.item, known_validator));
  constexpr Content::State states[] = {Content::State::changed, Content::State::unchanged,
                                       Content::State::gone};
  content.state = states[static_cast<int>(fetched.state)];
  content.bytes = std::move(fetched.bytes);
  content.media_type = std::move(fetched.media_type);
  content.title = std::move(fetched.title);
  content.validator = std::move(fetched.validator);
  content.metadata = std::move(fetched.metadata);
  if (fetched.modified_at) content.modified_at = format_time(*fetched.modified_at);
  return content;
}

namespace {

/// Whether `path` is `folder` or lies below it; both without symbolic links.
bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto [end, at] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end() || (std::next(end) == folder.end() && end->empty());
}

bool is_allowed(const std::filesystem::path& path, const IngestRequest& request) {
  if (!request.allowed_folders) return true;
  std::error_code error;
  const auto resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  if (error) return false;
  for (const std::filesystem::path& folder : *request.allowed_folders) {
    const auto allowed = std::filesystem::canonical(folder, error);
    if (!error && is_within(resolved, allowed)) return true;
  }
  return false;
}

/// The same words whether the file is there or not.
Error not_allowed(std::string_view source) {
  return fail(Code::forbidden,
              "source '{}': this server may not read files there; send the bytes instead, or let "
              "its operator allow the folder",
              source);
}

/// Before anything is looked at: the answer must not tell which files there are.
Result<void> check_source(const std::string& source, const IngestRequest& request) {
  if (!request.allowed_folders) return {};
  const auto of_uri = documents::file_of_uri(source);
  // Of a glob, what stands before its first special character.
  const std::string literal =
      of_uri ? of_uri->string() : source.substr(0, source.find_first_of("*?["));
  if (literal.empty() || !is_allowed(literal, request)) return not_allowed(source);
  return {};
}

Result<void> check_given(const IngestRequest& request) {
  constexpr std::size_t uri_bytes_max = 2048;
  std::set<std::string_view> seen;
  for (const GivenDocument& document : request.documents) {
    const std::string& uri = document.uri;
    const bool is_sound =
        !uri.empty() && uri.size() <= uri_bytes_max && unicode::is_valid_utf8(uri) &&
        uri.find('#') == std::string::npos &&
        std::none_of(uri.begin(), uri.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    if (!is_sound)
      return fail(Code::invalid_argument,
                  "uri: '{}' is not 1 to {} bytes of UTF-8 without '#' and control characters",
                  uri.substr(0, 100), uri_bytes_max);
    if (uri.starts_with("file:") || uri.starts_with("confluence:"))
      return fail(Code::invalid_argument,
                  "uri: '{}' belongs to what the server reads itself; take another one", uri);
    if (!seen.insert(uri).second)
      return fail(Code::invalid_argument, "uri: '{}' is given twice", uri);
  }
  return {};
}

}  // namespace

Result<Origins> Origins::find(const Context& context, const IngestRequest& request, bool images) {
  Origins origins;
  documents::SourceOptions options = request.source_options;
  options.images = options.images || images;
  std::vector<std::string> local;
  for (const std::string& source : request.sources) {
    if (!connectors::is_remote(source)) {
      TRY(check_source(source, request));
      local.push_back(source);
      continue;
    }
    if (request.metadata.contains("source"))
      return fail(Code::invalid_argument,
                  "metadata: 'source' says where a document of the network came from; take another "
                  "name");
    Remote remote;
    remote.connector = TRY(connectors::open(source, request.connecting));
    remote.listing = TRY(remote.connector->list(context));
    origins.remotes_.push_back(std::move(remote));
  }
  if (!local.empty() || request.sources.empty())
    origins.files_ = TRY(documents::find_sources(context, local, options));
  for (const documents::SourceFile& file : origins.files_.files) {
    // A symbolic link may lead anywhere.
    if (!is_allowed(file.file, request)) return not_allowed(file.path);
    origins.all_.push_back({file, nullptr, {}});
  }
  std::set<std::string> seen;  // Two sources may list the same page.
  for (const Remote& remote : origins.remotes_)
    for (const connectors::RemoteItem& item : remote.listing.items) {
      if (!seen.insert(item.uri).second) continue;
      Origin& origin = origins.all_.emplace_back();
      origin.file.uri = item.uri;
      origin.file.path = item.path;
      origin.file.size_bytes = item.size_bytes;
      origin.connector = remote.connector.get();
      origin.item = item;
    }
  TRY(check_given(request));
  for (const GivenDocument& document : request.documents) {
    Origin& origin = origins.all_.emplace_back();
    origin.file.uri = document.uri;
    origin.file.path = document.path.empty() ? document.uri : document.path;
    origin.file.size_bytes = document.bytes.size();
    origin.given = &document;
  }
  return origins;
}

std::vector<IngestFailure> Origins::failures() const {
  std::vector<IngestFailure> failed;
  for (const auto& failure : files_.failures)
    failed.push_back({failure.uri, failure.error.message()});
  for (const Remote& remote : remotes_)
    for (const auto& failure : remote.listing.failures)
      failed.push_back({failure.uri, failure.error.message()});
  return failed;
}

Result<Origins::Gone> Origins::gone(
    const Context& context, const Known& known,
    const std::map<std::string, std::set<std::string>>& present) const {
  std::set<std::string_view> listed;
  for (const Origin& origin : all_) listed.insert(origin.file.uri);
  for (const auto& failure : files_.failures) listed.insert(failure.uri);
  Gone gone;
  std::vector<std::vector<connectors::UnlistedItem>> unlisted(remotes_.size());
  std::map<std::string, std::vector<std::string>> parts;  // Of an unlisted origin.
  for (const auto& [uri, document] : known) {
    const std::string source(source_of(uri));
    // What could not be read may still hold all of its documents.
    if (const auto read = present.find(source); read != present.end()) {
      if (!read->second.contains(uri)) gone.uris.push_back(uri);
      continue;
    }
    if (listed.contains(source)) continue;
    if (files_.covers(source)) {
      gone.uris.push_back(uri);
      continue;
    }
    for (std::size_t i = 0; i < remotes_.size(); ++i) {
      if (!remotes_[i].listing.covers(source)) continue;
      if (parts[source].empty()) unlisted[i].push_back({source, document.source});
      parts[source].push_back(uri);
      break;
    }
  }
  for (std::size_t i = 0; i < remotes_.size(); ++i) {
    if (unlisted[i].empty()) continue;
    const auto confirmed = remotes_[i].connector->confirm_gone(context, unlisted[i]);
    TRY(context.check());
    if (!confirmed) {
      gone.failures.push_back({remotes_[i].connector->source(), confirmed.error().message()});
      continue;
    }
    for (const std::string& source : *confirmed)
      for (std::string& uri : parts[source]) gone.uris.push_back(std::move(uri));
  }
  return gone;
}

}  // namespace slipway::rag::detail
