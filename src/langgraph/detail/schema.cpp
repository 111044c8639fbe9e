#include "langgraph/mount.hpp"

namespace slipway::langgraph {

namespace {

constexpr std::string_view crons = R"sql(
    CREATE TABLE langgraph_crons(
      id TEXT PRIMARY KEY,
      assistant TEXT NOT NULL,
      thread TEXT NOT NULL,  -- Empty: one per run.
      schedule TEXT NOT NULL,
      timezone TEXT NOT NULL,  -- Empty: UTC.
      on_completed TEXT NOT NULL,
      payload TEXT NOT NULL,  -- The body of each run.
      enabled INTEGER NOT NULL,
      caller TEXT NOT NULL,
      created INTEGER NOT NULL,
      updated INTEGER NOT NULL,
      ends INTEGER,
      next INTEGER) WITHOUT ROWID;  -- Null: it will not come again.
    CREATE INDEX langgraph_crons_next ON langgraph_crons(next) WHERE next IS NOT NULL;
  )sql";

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"langgraph", 1, R"sql(
    CREATE TABLE langgraph_assistants(
      id TEXT PRIMARY KEY,
      graph TEXT NOT NULL,
      name TEXT NOT NULL,
      description TEXT,
      config TEXT NOT NULL,
      context TEXT NOT NULL,
      metadata TEXT NOT NULL,
      created INTEGER NOT NULL,  -- Milliseconds since 1970, as all times here.
      updated INTEGER NOT NULL,
      version INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE langgraph_versions(
      id TEXT NOT NULL,
      graph TEXT NOT NULL,
      name TEXT NOT NULL,
      description TEXT,
      config TEXT NOT NULL,
      context TEXT NOT NULL,
      metadata TEXT NOT NULL,
      created INTEGER NOT NULL,
      updated INTEGER NOT NULL,
      version INTEGER NOT NULL,
      PRIMARY KEY(id, version)) WITHOUT ROWID;
    CREATE TABLE langgraph_threads(  -- What the host does not know of them.
      id TEXT PRIMARY KEY,
      metadata TEXT NOT NULL,
      created INTEGER NOT NULL,
      updated INTEGER NOT NULL,
      expires INTEGER,  -- Null: never.
      ttl INTEGER) WITHOUT ROWID;
    CREATE INDEX langgraph_threads_expires ON langgraph_threads(expires)
      WHERE expires IS NOT NULL;
    CREATE TABLE langgraph_runs(
      n INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      thread TEXT NOT NULL,
      assistant TEXT NOT NULL,
      kind TEXT NOT NULL,  -- run, update (of a state, by a client)
      body TEXT NOT NULL,  -- As it was asked for.
      created INTEGER NOT NULL,
      due INTEGER,         -- It begins then; null: it has begun.
      after TEXT);         -- What is to be done at its end; null: nothing, or it was done.
    CREATE INDEX langgraph_runs_thread ON langgraph_runs(thread);
    CREATE INDEX langgraph_runs_open ON langgraph_runs(n)
      WHERE due IS NOT NULL OR after IS NOT NULL;
    CREATE TABLE langgraph_items(
      n INTEGER PRIMARY KEY,
      namespace TEXT NOT NULL,  -- JSON, a list of labels.
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      created INTEGER NOT NULL,
      updated INTEGER NOT NULL,
      expires INTEGER,
      ttl INTEGER,
      UNIQUE(namespace, key));
    CREATE INDEX langgraph_items_expires ON langgraph_items(expires) WHERE expires IS NOT NULL;
  )sql"},
          {"langgraph", 2, crons}};
}

}  // namespace slipway::langgraph
