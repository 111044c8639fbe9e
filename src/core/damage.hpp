// What comes from outside, broken by a seed: for tests that feed it to whoever reads it.
//
//   Damage damage(7);
//   for (int round = 0; round < damage_rounds(300); ++round) read(damage.text(good));
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/clock.hpp"
#include "core/json.hpp"

namespace slipway {

/// SLIPWAY_FUZZ=100 does a hundred times as much.
inline int damage_rounds(int few) {
  const char* more = std::getenv("SLIPWAY_FUZZ");
  return few * (more == nullptr ? 1 : std::max(1, std::atoi(more)));
}

/// For one thread.
class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_.next() % limit; }

  /// At most `most` places of it are changed, cut out, repeated or cut off.
  std::string bytes(std::string bytes, std::size_t most = 4) {
    for (std::size_t i = 0, n = 1 + below(most); i < n && !bytes.empty(); ++i) {
      const std::size_t at = below(bytes.size());
      switch (below(5)) {
        case 0: bytes[at] = static_cast<char>(random_.next()); break;
        case 1: bytes.erase(at, 1 + below(30)); break;
        case 2: bytes.insert(at, bytes.substr(below(bytes.size()), 60)); break;
        case 3: bytes[at] = "{}[]():,-&*!?|>'\"%@`#\n \t"[below(24)]; break;
        default: bytes.resize(at); break;
      }
    }
    return bytes;
  }

  /// Another value for one of its parts, or one part fewer.
  json::Value value(json::Value whole) {
    json::Value* part = &whole;
    while (below(5) != 0) {
      json::Value* next = nullptr;
      if (part->is_array() && !part->get_array().empty()) {
        next = &part->get_array()[below(part->get_array().size())];
      } else if (part->is_object() && !part->get_object().empty()) {
        const auto entry = part->get_object().begin() +
                           static_cast<std::ptrdiff_t>(below(part->get_object().size()));
        if (below(8) == 0) {
          part->get_object().erase(entry);
          return whole;
        }
        next = &entry->value();
      }
      if (next == nullptr) break;
      part = next;
    }
    *part = strange();
    return whole;
  }

  /// JSON whose values or, less often, whose bytes are damaged.
  std::string text(const json::Value& whole) {
    if (below(4) == 0) return bytes(json::dump(whole));
    json::Value damaged = value(whole);
    while (below(3) == 0) damaged = value(std::move(damaged));
    return json::dump(damaged);
  }
  std::string text(const std::string& good) { return text(*json::parse(good)); }

  /// A value that few expect.
  json::Value strange() {
    switch (below(16)) {
      case 0: return nullptr;
      case 1: return true;
      case 2: return static_cast<std::int64_t>(random_.next());
      case 3: return -1;
      case 4: return 1e300;
      case 5: return "";
      case 6: return "{{1 / 0}}";
      case 7: return json::Array{1, "a", nullptr, json::Object()};
      case 8: return json::Object{{"", json::Object{{"a", json::Array()}}}};
      case 9: return 0;
      case 10: return "\xED\x9F\xBF\xF0\x9F\x92\xA9\x01";  // The last before surrogates.
      case 11: return boost::json::string(below(3'000), 'x');
      case 12: return 0.5;
      case 13: return std::uint64_t{18'446'744'073'709'551'615U};
      case 14: return json::Object();
      default: return json::Array();
    }
  }

 private:
  SeededRandom random_;
};

}  // namespace slipway
