// What tables of runs have as columns: members of a run as our API writes it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/json_members.hpp"
#include "trace/parquet.hpp"

namespace slipway::trace::detail {

struct RunField {
  using Type = ParquetWriter::Type;
  std::string_view name;
  Type type = Type::text;
  std::string_view parent = {};  ///< "usage", "cost"; else it is the run's own.

  std::string column() const {
    return parent.empty() ? std::string(name) : fmt::format("{}_{}", parent, name);
  }
};

inline constexpr std::array run_fields = {
    RunField{"id"},
    RunField{"trace_id"},
    RunField{"parent_id"},
    RunField{"project"},
    RunField{"name"},
    RunField{"kind"},
    RunField{"status"},
    RunField{"error"},
    RunField{"start_time", RunField::Type::time},
    RunField{"end_time", RunField::Type::time},
    RunField{"latency_ms", RunField::Type::number},
    RunField{"first_token_ms", RunField::Type::number},
    RunField{"session_id"},
    RunField{"user_id"},
    RunField{"provider"},
    RunField{"model"},
    RunField{"input_tokens", RunField::Type::integer, "usage"},
    RunField{"output_tokens", RunField::Type::integer, "usage"},
    RunField{"total_tokens", RunField::Type::integer, "usage"},
    RunField{"cache_read_tokens", RunField::Type::integer, "usage"},
    RunField{"cache_write_tokens", RunField::Type::integer, "usage"},
    RunField{"reasoning_tokens", RunField::Type::integer, "usage"},
    RunField{"source", RunField::Type::text, "usage"},
    RunField{"total_usd", RunField::Type::number, "cost"},
    RunField{"price_id", RunField::Type::text, "cost"},
    RunField{"inputs", RunField::Type::json},
    RunField{"outputs", RunField::Type::json},
    RunField{"events", RunField::Type::json},
    RunField{"tags", RunField::Type::json},
    RunField{"metadata", RunField::Type::json},
    RunField{"attributes", RunField::Type::json},
};

/// The JSON of a run's field; empty: it has none.
inline std::string_view value_of(const RunField& field, std::string_view run) {
  const std::string_view holder = field.parent.empty() ? run : json::member(run, field.parent);
  const std::string_view value = json::member(holder, field.name);
  return value == "null" ? std::string_view() : value;
}

}  // namespace slipway::trace::detail
