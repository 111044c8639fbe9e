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
)sql"},
          // Values of threads that were removed before stayed; what no record names goes now. A
          // record names a value by {"$":"its hash in 32 digits"}.
          {.module = "agents", .version = 2, .sql = R"sql(
-- Which threads a value is kept for: by their records, or as the source of their agent.
CREATE TABLE agents_uses (
  thread INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (thread, hash)
) WITHOUT ROWID;
CREATE INDEX agents_uses_hash ON agents_uses (hash);
CREATE TABLE agents_found (digits TEXT PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO agents_found SELECT lower(hex(hash)), hash FROM agents_values;
WITH RECURSIVE marks (thread, rest) AS (
  SELECT thread, substr(record, instr(record, '{"$":"') + 6) FROM agents_log
    WHERE instr(record, '{"$":"') > 0
  UNION ALL
  SELECT thread, substr(rest, instr(rest, '{"$":"') + 6) FROM marks
    WHERE instr(rest, '{"$":"') > 0
)
INSERT OR IGNORE INTO agents_uses (thread, hash)
  SELECT thread, hash FROM marks JOIN agents_found ON digits = substr(rest, 1, 32);
INSERT OR IGNORE INTO agents_uses (thread, hash)
  SELECT number, source FROM agents_threads WHERE source IS NOT NULL;
DROP TABLE agents_found;
DELETE FROM agents_values WHERE hash NOT IN (SELECT hash FROM agents_uses);
-- No thread gets the number of one that was removed.
CREATE TABLE agents_numbers (last INTEGER NOT NULL);
INSERT INTO agents_numbers SELECT max(coalesce((SELECT max(number) FROM agents_threads), 0),
                                      coalesce((SELECT max(thread) FROM agents_log), 0));
)sql"},
          {.module = "agents", .version = 3, .sql = R"sql(
ALTER TABLE agents_cache ADD COLUMN thread TEXT;  -- With which it goes.
CREATE INDEX agents_cache_thread ON agents_cache (thread);
)sql"}};
}

}  // namespace slipway::agents::detail
