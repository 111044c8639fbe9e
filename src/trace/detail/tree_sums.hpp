// What of a tree is counted: frames repeat what the calls below them used.
#pragma once

#include "trace/detail/mem_table.hpp"

namespace slipway::trace::detail {

/// Sets `counts_tokens` and `counts_cost` of the rows. A usage is not counted where it is that of
/// the runs below together, or of one right below it (whatever stands between has none); nor is a
/// cost there, if something below has one. A cost without a usage is judged by itself.
void mark_counted(MemTrace& trace);

}  // namespace slipway::trace::detail
