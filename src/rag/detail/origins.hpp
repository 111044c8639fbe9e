// Where the documents of an ingest come from: files of this machine, web pages, Confluence. What is
// listed is read later, one by one; what is gone is found at the end.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connectors/connector.hpp"
#include "documents/sources.hpp"
#include "rag/detail/records.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

/// One thing to read.
struct Origin {
  documents::SourceFile file;  ///< Of what a connector listed: uri, path and size only.
  connectors::Connector* connector = nullptr;  ///< Null for a file.
  connectors::RemoteItem item;                 ///< For the connector.
  const GivenDocument* given = nullptr;        ///< Of the request; null for the others.
};

/// What was read.
struct Content {
  enum class State { changed, unchanged, gone };
  State state = State::changed;
  std::string bytes, media_type;
  std::string title;  ///< Wins over the loader's unless empty.
  std::string validator;
  json::Object metadata;
  std::string modified_at;
};

/// `known_validator`: of what is stored of it; empty when that must be read again. Any thread.
/// Fails: as read_file and `Connector::fetch`.
Result<Content> read_origin(const Context&, const Origin&, const std::string& known_validator);

/// The sources of a request, listed.
class Origins {
 public:
  using Known = std::map<std::string, KnownDocument>;

  /// Fails: invalid_argument (a source that cannot be understood), cancelled, deadline_exceeded.
  /// What cannot be listed is a failure of the report.
  /// `images`: pictures too.
  static Result<Origins> find(const Context&, const IngestRequest&, bool images);

  const std::vector<Origin>& all() const { return all_; }
  const documents::SourceList& files() const { return files_; }
  std::vector<IngestFailure> failures() const;
  struct Gone {
    std::vector<std::string> uris;
    std::vector<IngestFailure>
        failures;  ///< Servers that could not be asked: nothing of theirs is.
  };
  /// Of the known documents, those that the sources cover and certainly have no more. `present`: of
  /// each origin that was read, the uris of its documents; none when it was gone. Fails: cancelled,
  /// deadline_exceeded.
  Result<Gone> gone(const Context&, const Known&,
                    const std::map<std::string, std::set<std::string>>& present) const;

 private:
  struct Remote {
    std::unique_ptr<connectors::Connector> connector;
    connectors::Listing listing;
  };

  std::vector<Origin> all_;
  documents::SourceList files_;
  std::vector<Remote> remotes_;
};

/// The uri of the origin that a document comes from: without its part.
std::string_view source_of(std::string_view uri);

}  // namespace slipway::rag::detail
