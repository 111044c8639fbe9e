// Versions of a collection as people see them: listed, named, compared, dropped.
#pragma once

#include "rag/detail/shelf.hpp"
#include "rag/detail/texts.hpp"

namespace slipway::rag::detail {

/// Of the index's holders.
inline constexpr std::string_view snapshot_prefix = "snapshot/";
inline constexpr std::string_view receipt_prefix = "receipt/";

Result<VersionList> list_versions(const Context&, Shelf&, const std::string& collection);
Result<std::int64_t> version_named(const Context&, Shelf&, const std::string& collection,
                                   const std::string& version);
Result<VersionInfo> take_snapshot(const Context&, Shelf&, const std::string& collection,
                                  const std::string& name, std::optional<std::int64_t> version);
Result<void> drop_version(const Context&, Shelf&, const std::string& collection,
                          const std::string& name);

struct Comparison {
  std::string collection;
  std::int64_t from = 0, to = 0;
  std::vector<std::string> queries;
  int limit = 10;
};
Result<VersionDifference> compare_versions(const Context&, Shelf&, Texts&, const Comparison&);

/// What a generation is, for reports.
Result<GenerationInfo> describe_generation(store::Connection&, const CollectionRow&);

}  // namespace slipway::rag::detail
