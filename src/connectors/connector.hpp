// Documents that live on other machines: web pages and Confluence. A connector lists what a source
// holds, fetches what has changed, and tells what is certainly gone. It keeps no state: what must
// be remembered (validators, which document came from which source) stays with the caller.
//
//   auto connector = TRY(connectors::open("confluence:https://x.example/wiki?space=DOC", options));
//   auto listing = TRY(connector->list(context));
//   for (const auto& item : listing.items)
//     auto fetched = connector->fetch(context, item, known_validator_of(item.uri));
//   auto gone = connector->confirm_gone(context, covered_but_not_listed);
//
// What a person must know of it: docs/guides/sources.md.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::connectors {

/// Who we are to a server. With a user: basic authentication (Confluence Cloud: the e-mail address
/// and an API token); without: `token` is a bearer token (Data Center: a personal access token).
struct Credentials {
  /// Sent only to what begins with it: same scheme, host and port, and a path below. The longest
  /// that fits wins.
  std::string url;
  std::string user;
  std::string token;  ///< "env:NAME" or "file:PATH"; the secret itself is refused.
};
BOOST_DESCRIBE_STRUCT(Credentials, (), (url, user, token))

struct Options {
  std::vector<Credentials> credentials;
  std::size_t bytes_max = 64u << 20;           ///< Of one document; a larger one is a failure.
  std::size_t items_max = 1'000'000;           ///< Of one source.
  std::chrono::milliseconds timeout{120'000};  ///< Of one request.
  int retries_max = 3;                         ///< Of a request that may pass.
  std::chrono::milliseconds retry_pause{500};  ///< Before the first one; doubles.
  std::chrono::milliseconds wait_max{60'000};  ///< A server that asks for more is given up.
  /// Connect to public addresses only, whatever names stand for at that moment: for sources that
  /// somebody else names. Others fail with forbidden.
  bool is_public_only = false;
  const Clock* clock = &system_clock();  ///< Must outlive the connector.
};

struct RemoteItem {
  /// The document's identity: the normalised URL; "confluence:BASE/PAGE-ID"; of an attachment
  /// "confluence:BASE/PAGE-ID/attachments/ATTACHMENT-ID".
  std::string uri;
  std::string path;   ///< What people read; ends like a file's name where there is one.
  std::string title;  ///< May be empty: then the loader's.
  /// Opaque; equal ones mean equal content and metadata. Empty: known only after fetching.
  std::string validator;
  std::uint64_t size_bytes = 0;  ///< 0: unknown.
  std::string handle;            ///< For the connector that listed it.
};

struct Listing {
  std::vector<RemoteItem> items;  ///< Sorted by uri, each once.
  struct Failure {
    std::string uri;  ///< Of the document, or the source where the listing itself failed.
    Error error;
  };
  std::vector<Failure> failures;
  /// What the source covers, for `--sync`: a "confluence:" one that ends with '/' all below it, any
  /// other only itself. Empty unless the listing is whole: a broken one makes nothing look deleted.
  std::vector<std::string> roots;
  /// Whether a document of this uri would be listed if it were still there. One that is covered and
  /// not in `items` may be gone: ask `confirm_gone`.
  bool covers(std::string_view uri) const;

  std::size_t skipped = 0;  ///< Attachments left out because no loader takes them.
};

enum class FetchState {
  changed,    ///< `bytes` holds it.
  unchanged,  ///< As the known validator says; only `validator` and `modified_at` are set.
  gone,       ///< The server says that it does not exist any more; nothing else is set.
};

struct Fetched {
  FetchState state = FetchState::changed;
  std::string bytes;
  std::string media_type;  ///< With its charset; empty: `documents` decides.
  std::string validator;   ///< To be remembered; empty: ask again next time.
  std::string title;       ///< Wins over the loader's; may be empty.
  /// "source" is `Connector::source()`; Confluence adds space, labels, ancestors, author and more.
  json::Object metadata;
  std::optional<Clock::Time> modified_at;
};

/// A known document that a listing covers and does not have.
struct UnlistedItem {
  std::string uri;
  std::string source;  ///< What its metadata say under "source"; may be empty.
};

/// One source. Safe to use from many threads.
class Connector {
 public:
  virtual ~Connector() = default;

  /// The source in its one spelling: without credentials, fit to be stored and shown.
  virtual const std::string& source() const = 0;

  /// What the source holds now. A server that fails is in `failures`; what was listed until then is
  /// in `items`. Fails: cancelled, deadline_exceeded (of the context).
  virtual Result<Listing> list(const Context& context) = 0;

  /// One document. `known_validator` is what an earlier fetch gave, or empty. Fails:
  /// unauthenticated, forbidden, not_found (listed, but it cannot be read: not a deletion),
  /// rate_limited, unavailable, invalid_argument (too large), unsupported, deadline_exceeded,
  /// cancelled.
  virtual Result<Fetched> fetch(const Context& context, const RemoteItem& item,
                                const std::string& known_validator) = 0;

  /// Those of `unlisted` that are certainly gone: the server denies each by itself, or it came from
  /// this very source and is not part of it any more. A listing alone is no proof: what moves
  /// between two pages of results is missed. Fails like `fetch`: then nothing is known to be gone.
  virtual Result<std::vector<std::string>> confirm_gone(
      const Context& context, const std::vector<UnlistedItem>& unlisted) = 0;
};

/// Whether `source` is for a connector: "http://", "https://" or "confluence:" in any case.
bool is_remote(std::string_view source);

/// Opens no connection. `source` is "https://HOST/PATH", or
/// "confluence:https://HOST[/PATH]?space=KEY", "...?cql=QUERY" or "...?page=ID", each with
/// "&attachments=no" if wanted. Fails: invalid_argument (source, credentials), not_found and
/// forbidden (a token's file).
Result<std::unique_ptr<Connector>> open(const std::string& source, const Options& options);

}  // namespace slipway::connectors
