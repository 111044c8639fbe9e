#include "datasets/datasets.hpp"

namespace slipway::datasets {

std::vector<store::Migration> migrations() {
  return {{"datasets", 1, R"sql(
    CREATE TABLE datasets_datasets(
      n INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL UNIQUE,
      description TEXT,
      data_type TEXT NOT NULL,
      inputs_schema TEXT,
      outputs_schema TEXT,
      transformations TEXT,
      metadata TEXT NOT NULL,
      created INTEGER NOT NULL,  -- Microseconds, as all times here.
      modified INTEGER NOT NULL,
      example_count INTEGER NOT NULL,
      share_token TEXT UNIQUE);
    CREATE TABLE datasets_versions(
      dataset INTEGER NOT NULL,
      version INTEGER NOT NULL,
      digest TEXT,  -- Null: nobody has asked yet.
      PRIMARY KEY(dataset, version)) WITHOUT ROWID;
    CREATE TABLE datasets_tags(
      dataset INTEGER NOT NULL,
      tag TEXT NOT NULL,
      version INTEGER NOT NULL,
      PRIMARY KEY(dataset, tag)) WITHOUT ROWID;
    CREATE TABLE datasets_revisions(
      n INTEGER PRIMARY KEY,
      dataset INTEGER NOT NULL,
      ordinal INTEGER NOT NULL,  -- The n of the example's first revision: its place in lists.
      example_id TEXT NOT NULL,
      born INTEGER NOT NULL,
      died INTEGER NOT NULL,  -- The largest number: not yet.
      created INTEGER NOT NULL,
      inputs TEXT NOT NULL,
      outputs TEXT,
      metadata TEXT NOT NULL,
      source_run_id TEXT,
      attachments TEXT NOT NULL);
    CREATE INDEX datasets_revisions_example ON datasets_revisions(example_id, born);
    CREATE INDEX datasets_revisions_alive ON datasets_revisions(dataset, died, ordinal);
    CREATE INDEX datasets_revisions_order ON datasets_revisions(dataset, ordinal, born);
    CREATE UNIQUE INDEX datasets_revisions_one ON datasets_revisions(example_id)
      WHERE died = 9223372036854775807;
    CREATE TABLE datasets_attachments(
      token TEXT PRIMARY KEY,
      dataset INTEGER NOT NULL,
      example_id TEXT NOT NULL,
      name TEXT NOT NULL,
      media_type TEXT NOT NULL,
      hash TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX datasets_attachments_hash ON datasets_attachments(hash);
    CREATE INDEX datasets_attachments_example ON datasets_attachments(dataset, example_id);
    CREATE TABLE datasets_comparisons(
      id TEXT PRIMARY KEY,
      dataset INTEGER NOT NULL,
      name TEXT,
      description TEXT,
      experiments TEXT NOT NULL,
      extra TEXT NOT NULL,
      created INTEGER NOT NULL,
      modified INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX datasets_comparisons_dataset ON datasets_comparisons(dataset, created);
  )sql"}};
}

}  // namespace slipway::datasets
