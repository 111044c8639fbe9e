// The tables of agents.db.
#pragma once

#include <vector>

#include "store/database.hpp"

namespace slipway::agents::detail {

inline std::vector<store::Migration> agent_migrations() {
  return {{.module = "agents", .version = 1, .sql = R"sql(
CREATE TABLE agents_threads (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source BLOB,              -- Hash of what its agent was made of.
  created_ms INTEGER NOT NULL
);
-- What was done in a thread, in order; JSON, see detail/records.hpp.
CREATE TABLE agents_log (
  thread INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (thread, seq)
) WITHOUT ROWID;
-- Large values of records, by the first half of their SHA-256.
CREATE TABLE agents_values (
  hash BLOB PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE agents_runs (
  id TEXT PRIMARY KEY,
  thread TEXT NOT NULL
) WITHOUT ROWID;
-- Results of nodes with `cache`.
CREATE TABLE agents_cache (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
)sql"}};
}

}  // namespace slipway::agents::detail
