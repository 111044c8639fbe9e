// Runs of a command that asks no server, and what its models cost.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "app/config.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"
#include "store/database.hpp"
#include "trace/own_prices.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

/// What is slow to find out is found out when it is first asked for. Safe to use from many threads.
class CommandRuns {
 public:
  struct Options {
    const Config& config;  ///< This and the next two must outlive it.
    store::Database& database;
    models::Catalog& catalog;
    std::filesystem::path traces;  ///< The folder; is made when there is a run to keep.
    /// Gets a line for the person at the terminal, at the end, where runs could not be kept.
    std::function<void(const std::string& line)> note;
  };
  explicit CommandRuns(Options options);
  /// Writes what is left. The folder of the traces is held only while it writes, so that a server
  /// may start beside a command.
  ~CommandRuns();

  /// Null: runs of our own are not wanted.
  trace::Recorder* recorder() { return recorder_.get(); }
  rag::TracedModel traced_model(const std::string& name);
  /// Erases all traces in which the document is; how many. Fails: conflict (a server has them).
  Result<std::int64_t> erase_document(const Context& context, const std::string& document_id);
  /// What the configuration, the database and the shipped table say of prices.
  std::shared_ptr<const trace::PriceBook> prices();

 private:
  class LateStore;
  struct Known {
    std::function<rag::TracedModel(const std::string&)> models;
    std::unique_ptr<trace::OwnPrices> prices;
  };
  const std::vector<models::ModelInfo>& installed();
  Result<std::unique_ptr<trace::OwnPrices>> read_prices();

  const Options options_;
  std::mutex mutex_;  // Guards the next two.
  std::optional<std::vector<models::ModelInfo>> installed_;
  Known known_;
  std::unique_ptr<LateStore> store_;
  std::unique_ptr<trace::Recorder> recorder_;  // Last: it uses all above.
};

}  // namespace slipway::app::detail
