// What models within a call consumed, as it travels: in the ledger, in events, in results of MCP.
#pragma once

#include <optional>

#include "agents/tool.hpp"

namespace slipway::agents {

/// Where results of MCP tools tell it, in `_meta`.
inline constexpr std::string_view spending_key = "slipway/spent";

/// {usd, input_tokens?, output_tokens?, cached_input_tokens?, embedding_tokens?, rerank_tokens?,
/// search_units?, estimated, priced?}: what is 0 is left out, `priced` unless it is false.
Value spending_value(const Spending& spending);
/// Nothing: it is no such map. Numbers below 0 are none: nobody is given money back.
std::optional<Spending> read_spending(const Value& value);

}  // namespace slipway::agents
