// Agents of a running server: their runtime, the host of their runs, what both reach.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agents/host.hpp"
#include "agents/runtime.hpp"
#include "app/detail/agents_door.hpp"
#include "budgets/ledger.hpp"
#include "core/guarded.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

/// Outlives every service. Safe to use from many threads.
class Agenting {
 public:
  /// What it borrows must outlive it.
  struct Options {
    std::filesystem::path data;
    Guarded<std::shared_ptr<rag::Library>>& library;  ///< Of the service that answers now.
    budgets::Ledger& ledger;
    trace::Recorder* recorder = nullptr;  ///< Null: runs leave no traces.
  };
  /// Takes the agents of the data folder. Runs that an earlier process left go on once `apply` has
  /// said which models there are. Fails: conflict (another process has them), as the disk.
  static Result<std::unique_ptr<Agenting>> open(Options options);

  /// Whether `apply` would take them; changes nothing. Fails: invalid_argument with all faults.
  Result<void> check(std::vector<std::string> models,
                     const std::vector<agents::DeclaredAgent>& declared);
  /// What a configuration says: models by name, agents. Fails: invalid_argument, and then the
  /// agents are as they were.
  struct Wish {
    std::shared_ptr<models::Catalog> catalog;
    std::vector<std::string> models;
    std::vector<agents::DeclaredAgent> declared;
    agents::Reach reach;  ///< Of agents that callers put.
  };
  Result<void> apply(Wish wish);
  agents::Reach reach() const;
  agents::Host& host() { return *host_; }
  agents::Runtime& runtime() { return *runtime_; }
  /// The kinds that agents have; what they share (servers of MCP) is shared.
  const agents::ToolRegistry& tools() const { return tools_; }
  /// What files of agents may name.
  agents::LoadOptions load_options() const;

  explicit Agenting(Options options) : options_(std::move(options)) {}

 private:
  Result<std::shared_ptr<agents::Model>> open_model(const agents::ModelSpec& spec);

  const Options options_;
  const std::function<Result<void>(const agents::ToolSpec&, const agents::Value&)> check_tool_ =
      tool_check();
  Guarded<std::shared_ptr<models::Catalog>> catalog_;
  Guarded<std::vector<std::string>> models_;
  agents::ToolRegistry tools_;
  Guarded<agents::Reach> reach_;
  std::unique_ptr<agents::Runtime> runtime_;
  std::unique_ptr<agents::Host> host_;
};

}  // namespace slipway::app::detail
