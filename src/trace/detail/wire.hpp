// Runs and traces as our own API shows them, as JSON text.
#pragma once

#include <string>

#include "trace/sampling.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

enum class Payloads { shown, left_out };

/// The fields of a run without children, an object.
void append_run(std::string& out, const Run& run, Payloads payloads);
/// One run with `child_ids`.
std::string run_text(const Run& run, const std::vector<std::string>& child_ids);
void append_summary(std::string& out, const TraceSummary& summary);
/// The summary with `roots`: runs whose parent is not there, each with its `children`, by start
/// and then by arrival. Of runs that are parents of each other in a circle the first is a root.
/// Any depth, any number.
std::string trace_text(const Trace& trace, Payloads payloads);
std::string cost_text(const Cost& cost);
std::string price_text(const PriceRow& row);

/// Lists are {"items":[...],"next_cursor":null}.
std::string runs_text(const Page<Run>& page);
std::string traces_text(const Page<TraceSummary>& page);
std::string projects_text(const Page<Project>& page);
std::string prices_text(const std::vector<const PriceRow*>& rows);
std::string stats_text(const Stats& stats, bool has_groups, const Upkeep* upkeep);
std::string costs_text(const CostReport& report);
std::string repricing_text(const RepricingReport& report);

}  // namespace slipway::trace::detail
