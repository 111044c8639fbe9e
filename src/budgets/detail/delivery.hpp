// How a notice gets to whom it is for.
#pragma once

#include "budgets/alerts.hpp"
#include "http/client.hpp"

namespace slipway::budgets::detail {

/// `notice.target` is the JSON of an `AlertTarget`, in which what is empty may be absent. Fails:
/// as a call; unavailable (a status that is none of success).
Result<void> deliver(const Context& context, http::Client& client, const Notice& notice,
                     Clock::Time now);

}  // namespace slipway::budgets::detail
