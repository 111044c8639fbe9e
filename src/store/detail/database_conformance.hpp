// What every `Database` promises, as a suite that each implementation's test runs.
#pragma once

#include <functional>
#include <memory>

#include "store/database.hpp"

namespace slipway::store {

/// Makes an empty database with these migrations, or fails.
using MakeDatabase =
    std::function<Result<std::unique_ptr<Database>>(const std::vector<Migration>&)>;

/// Runs doctest checks; takes well under a second.
void check_database_conformance(const MakeDatabase& make);

}  // namespace slipway::store
