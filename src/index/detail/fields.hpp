// Words of documents' attributes ("title", "path"), for queries that give these a weight.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/guarded.hpp"

namespace slipway::index {

class Segment;

/// The words of one attribute in a segment's documents.
struct Field {
  struct Posting {
    std::uint32_t document = 0;
    std::uint32_t count = 0;
  };
  std::map<std::string, std::vector<Posting>, std::less<>> postings;  ///< Rising by document.
  std::vector<std::uint32_t> lengths;                                 ///< Words, by document.
};

/// Made when a query first asks, then kept as long as the segment. Any thread.
class Fields {
 public:
  explicit Fields(const Segment& segment) : segment_(segment) {}
  /// A document without the attribute has no words in it.
  std::shared_ptr<const Field> get(const std::string& name, std::string_view language) const;

 private:
  const Segment& segment_;
  mutable Guarded<std::map<std::string, std::shared_ptr<const Field>>> fields_;
};

}  // namespace slipway::index
