// Price rows that an operator adds to the shipped table. They stay: a run that was priced by one
// can always be told why.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "store/database.hpp"
#include "trace/prices.hpp"

namespace slipway::trace {

/// The table `trace_prices`. It belongs to the main database, not to that of the traces: prices are
/// settings, and stay when traces are deleted.
std::vector<store::Migration> price_migrations();

/// Safe to use from many threads.
class OwnPrices {
 public:
  struct Options {
    store::Database& database;  ///< Opened with `price_migrations()`; must outlive this.
    std::vector<PriceRow> shipped;
    const Clock& clock = system_clock();
  };
  /// Fails: as reading the database.
  static Result<std::unique_ptr<OwnPrices>> open(Options options);
  /// Knows nothing yet; `open` loads.
  explicit OwnPrices(Options options) : options_(std::move(options)) {}

  /// All rows at this moment.
  std::shared_ptr<const PriceBook> book() const;
  /// Adds a row for a model. Without "valid_from" the first own row of a model holds ever since,
  /// others from now on. Fails: invalid_argument (no price row; names the key), as a write.
  Result<PriceRow> add(const Context& context, const std::string& model,
                       const std::string& json_text);

 private:
  Result<void> load(const Context& context);

  const Options options_;
  Guarded<std::shared_ptr<const PriceBook>> book_;
};

}  // namespace slipway::trace
