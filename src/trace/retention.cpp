#include "trace/retention.hpp"

namespace slipway::trace {

Result<std::int64_t> remove_before(const Context& context, TraceStore& store, Nanoseconds time) {
  return store.remove_before(context, time);
}

}  // namespace slipway::trace
