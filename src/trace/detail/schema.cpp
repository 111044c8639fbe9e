#include "trace/detail/schema.hpp"

namespace slipway::trace::detail {

std::vector<store::Migration> migrations() {
  return {{"trace", 1, R"sql(
    CREATE TABLE trace_traces(
      n INTEGER PRIMARY KEY,
      trace_id TEXT NOT NULL UNIQUE,
      root INTEGER,  -- Of trace_runs; null until it has arrived.
      project TEXT NOT NULL,  -- That of the root, until it has arrived that of the first run.
      status INTEGER NOT NULL,
      start_ns INTEGER NOT NULL,
      end_ns INTEGER,
      latency_ns INTEGER,
      run_count INTEGER NOT NULL,
      error_count INTEGER NOT NULL,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      total_tokens INTEGER NOT NULL,
      cost INTEGER NOT NULL,  -- Picodollars.
      priced_count INTEGER NOT NULL);
    CREATE INDEX trace_traces_start ON trace_traces(start_ns, n);
    CREATE INDEX trace_traces_project ON trace_traces(project, start_ns, n);
    CREATE TABLE trace_runs(
      n INTEGER PRIMARY KEY,  -- In the order of arrival.
      trace INTEGER NOT NULL,
      id TEXT NOT NULL,
      parent_id TEXT,
      project TEXT NOT NULL,
      name TEXT NOT NULL,
      kind INTEGER NOT NULL,
      status INTEGER NOT NULL,
      error TEXT,
      start_ns INTEGER NOT NULL,
      end_ns INTEGER,
      first_token_ns INTEGER,
      latency_ns INTEGER,
      session_id TEXT,
      user_id TEXT,
      provider TEXT,
      model TEXT,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      total_tokens INTEGER NOT NULL,
      cache_read_tokens INTEGER NOT NULL,
      cost INTEGER,
      is_unpriced INTEGER NOT NULL,
      rest TEXT NOT NULL,
      inputs BLOB,
      outputs BLOB,
      payload_kinds INTEGER NOT NULL,
      UNIQUE(trace, id));
    CREATE INDEX trace_runs_id ON trace_runs(id);
    CREATE INDEX trace_runs_start ON trace_runs(start_ns, n);
    CREATE INDEX trace_runs_project ON trace_runs(project, start_ns, n);
    -- What the text index has not seen yet.
    CREATE TABLE trace_unread(run INTEGER PRIMARY KEY);
    CREATE TABLE trace_texts(run INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE VIRTUAL TABLE trace_words USING fts5(
      text, content='trace_texts', content_rowid='run', tokenize='unicode61 remove_diacritics 0');
  )sql"}};
}

}  // namespace slipway::trace::detail
