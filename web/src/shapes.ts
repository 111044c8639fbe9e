// What the server sends and takes, as src/rag/wire.hpp, src/api and docs/guides have it; what is null
// there is null here.

export type Box = [number, number, number, number];

/** Where a passage or quote stands. */
export interface Place {
  text_start: number;
  text_end: number;
  page: number | null;
  page_end: number | null;
  boxes: Box[] | null;
  heading_path: string[];
  sheet: string | null;
  row: number | null;
  row_end: number | null;
}

export interface DocumentRef {
  document_id: string;
  uri: string;
  path: string;
  title: string;
}

export interface SearchItem extends DocumentRef, Place {
  rank: number;
  chunk_id: string;
  text: string;
  metadata: Record<string, unknown>;
  score: number;
  scores: { dense: number | null; lexical: number | null; rerank: number | null };
  ranks: { dense: number | null; lexical: number | null };
}

export interface Plan {
  dense: string;
  matches: number;
  chunks: number;
  codes_read: number;
  vectors_read: number;
  segments: number;
}

export interface SearchReply {
  collection: string;
  index_version: number;
  query: string;
  mode: SearchMode;
  items: SearchItem[];
  matches: number;
  timing_ms: Record<string, number>;
  trace_id: string;
  plan: Plan | null;
}

export type SearchMode = 'hybrid' | 'dense' | 'lexical';
export type AnswerMode = 'auto' | 'generate' | 'extract';

export interface SearchRequest {
  collection: string;
  query: string;
  limit: number;
  mode: SearchMode;
  filter?: unknown;
  rerank?: boolean;
  collapse?: boolean;
  explain?: boolean;
  version?: number;
}

export interface Sentence {
  text: string;
  supported: boolean;
  support: number;
  citations: number[];
}

export interface Citation extends DocumentRef, Place {
  number: number;
  chunk_id: string;
  quote: string;
  score: number;
}

export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
}

export interface Answer {
  answer: string;
  sentences: Sentence[];
  citations: Citation[];
  refused: boolean;
  reason: string | null;
  nearest: SearchItem[];
  mode: AnswerMode;
  model: string | null;
  collection: string;
  index_version: number;
  dropped: { text: string; why: string }[];
  evidence: number;
  usage: Usage;
  cost_usd: number;
  timing_ms: Record<string, number>;
  receipt_id: string;
  trace_id: string;
}

export interface AskRequest {
  collection: string;
  question: string;
  mode: AnswerMode;
  limit: number;
  model?: string;
  filter?: unknown;
}

export interface Replay {
  receipt_id: string;
  index_version: number;
  is_recorded_version: boolean;
  retrieval: 'identical' | 'differs';
  citations: { number: number; state: 'valid' | 'stale' | 'gone' }[];
  answer: 'identical' | 'differs' | 'not_rerun';
}

export interface Splitter {
  kind: string;
  chunk_size: number;
  chunk_overlap: number;
  unit: string;
}

export interface Collection {
  name: string;
  embedder: string;
  splitter: Splitter;
  language: string;
  reranker: string | null;
  documents: number;
  chunks: number;
  index_version: number;
  created_at: string;
  defaults: QuestionDefaults | null; // What a question uses where it says nothing.
}

export interface QuestionDefaults {
  search: string | null;
  fusion: string | null;
  dense_weight: number | null;
  reranker: string | null;
  prompt: string | null;
  answer: string | null;
  answer_model: string | null;
}

export interface DocumentInfo {
  id: string;
  uri: string;
  path: string;
  title: string;
  media_type: string;
  content_hash: string;
  text_hash: string;
  size_bytes: number;
  chunks: number;
  tokens: number;
  metadata: Record<string, unknown>;
  warnings: string[];
  ingested_at: string;
  modified_at: string | null;
}

export interface List<T> {
  items: T[];
  next_cursor?: string | null;
}

export interface IngestReport {
  added: number;
  updated: number;
  unchanged: number;
  failed: { uri: string; error: string }[];
  chunks: { new: number; reused: number };
  seconds: number;
  warnings: string[];
}

export interface Job<Result = unknown> {
  id: string;
  kind: 'ingest' | 'migrate' | 'rollback' | 'optimize';
  collection: string;
  state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  progress: { done: number; total: number; unit: string; current: string };
  result: Result | null; // Once it is done.
  errors: { uri: string; error: string }[]; // Of documents.
  error: string | null; // Why it failed or was cancelled.
  finished_at: string | null;
}

export interface Version {
  version: number;
  is_current: boolean;
  names: string[];
  receipts: string[];
  created_at: string | null;
  documents: number;
  chunks: number;
  embedder: string;
}

/** What a collection was before it was migrated, is now, or is about to become. */
export interface Generation {
  embedder: string;
  splitter: Splitter;
  state: 'serving' | 'former' | 'building';
  first_version: number;
  last_version: number;
  documents: number;
  chunks: number;
}

export interface VersionList {
  current: number;
  oldest: number;
  keep_versions: number;
  items: Version[];
  generations: Generation[];
}

/** A grade above 0 for every document that answers; one is named by path, URI or id. */
export interface GoldQuestion {
  input: string;
  relevance: Record<string, number>;
}

export interface MigrateRequest {
  embedder?: string;
  splitter?: Partial<Splitter>;
  gold?: GoldQuestion[];
  margin?: number;
  limit?: number;
}

export interface GoldScores {
  recall: number;
  ndcg: number;
}

export interface MigrationReport {
  from: Generation;
  to: Generation;
  documents: number;
  gold: {
    questions: number;
    limit: number;
    margin: number;
    before: GoldScores;
    after: GoldScores;
    holds: boolean;
  } | null;
  switched: boolean;
  index_version: number;
  seconds: number;
}

export interface Model {
  name: string;
  task: 'embed' | 'chat' | 'rerank';
  provider: string;
  state: string;
  size_bytes: number;
  licence: string;
  description: string;
}

export interface Limits {
  requests: string;
  tokens: string;
  concurrent: number;
}

export interface Key {
  name: string;
  role: 'read' | 'write' | 'admin';
  models: string[];
  limits: Limits;
  expires: string;
  created_at: string;
  last_used_at: string;
  hint: string;
}

export interface Settings {
  file: string | null;
  config: unknown;
  origins: Record<string, string>;
}

export interface Session {
  version: string;
  caller: { name: string; role: 'read' | 'write' | 'admin'; is_session: boolean } | null;
}

/** A page of a paged document: its lines and where they stand. Width and height are around all lines. */
export interface PageLayout {
  page: number;
  pages: number;
  width: number;
  height: number;
  lines: { text: string; text_start: number; text_end: number; box: Box }[];
}
