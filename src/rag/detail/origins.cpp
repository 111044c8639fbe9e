#include "rag/detail/origins.hpp"

#include "core/files.hpp"

namespace slipway::rag::detail {

std::string_view source_of(std::string_view uri) { return uri.substr(0, uri.find('#')); }

Result<Content> read_origin(const Context& context, const Origin& origin,
                            const std::string& known_validator) {
  Content content;
  if (origin.connector == nullptr) {
    const documents::LoadOptions limits;
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

Result<Origins> Origins::find(const Context& context, const IngestRequest& request, bool images) {
  Origins origins;
  documents::SourceOptions options = request.source_options;
  options.images = options.images || images;
  std::vector<std::string> local;
  for (const std::string& source : request.sources) {
    if (!connectors::is_remote(source)) {
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
  for (const documents::SourceFile& file : origins.files_.files)
    origins.all_.push_back({file, nullptr, {}});
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
