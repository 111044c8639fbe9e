// The prices that hold: what an operator added, what slipway.yaml declares, what is shipped. Rows
// that were added stay: a run that was priced by one can always be told why.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
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
    /// Gives the shipped table. Asked once, by whoever looks for a price first: an idle server
    /// holds none. What it fails with is logged, and there are only the other rows. May be empty.
    std::function<Result<std::vector<PriceRow>>()> read_shipped = {};
    const Clock& clock = system_clock();
  };
  /// Fails: as reading the database.
  static Result<std::unique_ptr<OwnPrices>> open(Options options);
  /// Knows nothing yet; `open` loads.
  explicit OwnPrices(Options options);

  /// Rows of the configuration: before the shipped table; of one model and time behind those that
  /// were added. In place of those that were declared before.
  void set_declared(std::vector<PriceRow> rows);
  /// All rows at this moment. The first call reads the shipped ones, and others wait for it.
  std::shared_ptr<const PriceBook> book() const;
  /// Adds a row for a model. Without "valid_from" the first own row of a model holds ever since,
  /// others from now on. Fails: invalid_argument (no price row; names the key), as a write.
  Result<PriceRow> add(const Context& context, const std::string& model,
                       const std::string& json_text);

 private:
  struct State {
    PriceBook shipped{{}, {}};
    std::vector<PriceRow> declared, added;
    std::shared_ptr<const PriceBook> book;
    void join();
  };
  Result<void> load(const Context& context);
  void read_shipped() const;

  const Options options_;
  mutable std::once_flag shipped_once_;
  mutable Guarded<State> state_;
};

/// `prices:` of slipway.yaml: by model a row of the table's keys, with "valid_from" if it does not
/// hold since ever; or several in a list. Fails: invalid_argument naming model and key.
Result<std::vector<PriceRow>> declared_prices(const std::map<std::string, json::Value>& prices);

/// The same for the same row, in whatever configuration.
std::string declared_price_id(const PriceRow& row);

/// Where the table that is shipped lies: share/slipway/prices beside the program's folder.
std::filesystem::path shipped_prices_folder();
/// Reads litellm.json there, 30 ms; what litellm.version says is the source of its rows. Fails:
/// not_found, invalid_argument.
Result<std::vector<PriceRow>> read_shipped_prices(const std::filesystem::path& folder);

}  // namespace slipway::trace
