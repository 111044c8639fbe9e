// Chunks of a snapshot: where they are, which may be found, how they score.
#pragma once

#include <cstdint>
#include <vector>

#include "index/detail/columns.hpp"

namespace slipway::index {

struct Place {
  std::uint32_t segment = 0;
  std::uint32_t chunk = 0;
  bool operator==(const Place&) const = default;
};

struct Scored {
  double score = 0;
  Place place;
};

/// Which chunks may be found.
struct Selection {
  std::vector<Bits> chunks;  ///< By segment.
  std::size_t count = 0;
  std::vector<std::size_t> counts;  ///< By segment.

  bool has(Place place) const { return chunks[place.segment][place.chunk]; }
};

}  // namespace slipway::index
