// The native API under /api: collections, documents, jobs, search, answers, receipts, versions,
// models, settings.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/jobs.hpp"
#include "budgets/ledger.hpp"
#include "http/api.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"

namespace slipway::api {

/// What the routes stand on. Jobs keep a copy, so a library lives as long as the last job on it.
struct Services {
  std::shared_ptr<models::Catalog> catalog;
  std::shared_ptr<rag::Library> library;  ///< Behind what it borrows: destroyed before it.
  Jobs* jobs = nullptr;                   ///< Must outlive the routes.
  std::string name = "slipway";
  std::string version;
  /// The effective configuration without secrets.
  std::function<json::Value()> settings = [] { return json::Value(json::Object()); };
  /// Folders of this machine that callers may name as sources; none: they send bytes.
  std::vector<std::filesystem::path> allowed_folders;
  rag::LoadingSettings loading;
  budgets::Ledger* budgets = nullptr;  ///< Must outlive the routes; null: questions pay nothing.
  /// For sources on other machines. Callers name them, so let it reach public addresses only.
  connectors::Options connecting;
};

/// Declares all routes.
void mount(http::Api& api, Services services);

}  // namespace slipway::api
