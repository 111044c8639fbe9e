// Secrets: a setting of the configuration names where one is, never the secret itself; and
// comparing with one.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway {

/// The secret that "env:NAME" or "file:PATH" stands for; empty for an empty reference. `setting` is
/// how the messages call it; none of them holds the secret. Fails: invalid_argument (the secret
/// itself, an unset variable, what cannot be sent in a header), not_found, forbidden.
Result<std::string> resolve_secret(std::string_view setting, const std::string& reference);

/// Takes the same time wherever they differ, so that nobody finds out a secret piece by piece. Of
/// different lengths they differ at once: a length is no secret.
bool equals_in_constant_time(std::string_view a, std::string_view b);

}  // namespace slipway
