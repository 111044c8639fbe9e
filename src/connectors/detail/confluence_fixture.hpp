// What the tests of the Confluence connector share.
#pragma once

#include <doctest/doctest.h>

#include "connectors/connector.hpp"
#include "connectors/detail/scripted_confluence.hpp"

namespace slipway::connectors::detail {

using Kind = ScriptedConfluence::Kind;
using State = ScriptedConfluence::State;
using Request = ScriptedConfluence::Request;
using Connection = ScriptedConfluence::Connection;

inline Options quick() {
  Options options;
  options.retry_pause = std::chrono::milliseconds(1);
  options.wait_max = std::chrono::milliseconds(300);
  options.timeout = std::chrono::milliseconds(5000);
  return options;
}

inline std::unique_ptr<Connector> opened(const std::string& source,
                                         const Options& options = quick()) {
  auto connector = connectors::open(source, options);
  if (!connector) FAIL(connector.error().message());
  return *std::move(connector);
}

/// Pages 1..count and a text file at each third.
inline void fill(State& state, int count) {
  for (int id = 1; id <= count; ++id) {
    state.pages[id].title = fmt::format("Page {}", id);
    if (id % 3 == 0) state.files[1000 + id] = {std::to_string(id), "notes.txt", "notes"};
  }
}

inline std::set<std::string> uris_of(const Listing& listing) {
  std::set<std::string> uris;
  for (const RemoteItem& item : listing.items) uris.insert(item.uri);
  CHECK(uris.size() == listing.items.size());
  return uris;
}

inline const RemoteItem& item_of(const Listing& listing, const std::string& end) {
  for (const RemoteItem& item : listing.items)
    if (item.uri.ends_with(end)) return item;
  FAIL("no item ends with " << end);
  return listing.items.front();
}

/// What ingest must do before it deletes: what is known, covered and not listed, and then
/// confirmed.
inline std::vector<std::string> gone_of(Connector& connector, const Listing& listing,
                                        const std::set<std::string>& known,
                                        Result<void>* outcome = nullptr) {
  const std::set<std::string> listed = uris_of(listing);
  std::vector<UnlistedItem> unlisted;
  for (const std::string& uri : known)
    if (listing.covers(uri) && !listed.contains(uri)) unlisted.push_back({uri, connector.source()});
  auto gone = connector.confirm_gone({}, unlisted);
  if (outcome != nullptr) *outcome = gone ? Result<void>() : Result<void>(gone.error());
  return gone ? *gone : std::vector<std::string>();
}

inline bool failed_with(const Listing& listing, std::string_view text) {
  const bool is_so = listing.failures.size() == 1 && listing.roots.empty() &&
                     listing.failures[0].error.message().find(text) != std::string::npos;
  if (!is_so)
    for (const auto& failure : listing.failures) MESSAGE(failure.error.message());
  return is_so;
}

inline constexpr Kind kinds[] = {Kind::cloud, Kind::data_center};

}  // namespace slipway::connectors::detail
