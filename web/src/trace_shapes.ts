// Traces, costs, budgets and prompts as the server sends them (docs/guides/traces.md, /openapi.json).

export type Status = 'ok' | 'error' | 'pending';

export interface TraceSummary {
  id: string;
  project: string;
  name: string | null; // null: its root has not arrived.
  kind: string;
  status: Status;
  error: string | null;
  start_time: string;
  end_time: string | null;
  latency_ms: number | null;
  run_count: number;
  error_count: number;
  models: string[];
  tags: string[];
  session_id: string | null;
  user_id: string | null;
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  cost_usd: number | null;
  inputs_preview: string;
  outputs_preview: string;
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  cache_write_1h_tokens: number;
  reasoning_tokens: number;
  input_audio_tokens: number;
  output_audio_tokens: number;
  convention: 'inclusive' | 'exclusive';
  source: 'provider' | 'client' | 'estimated';
}

export interface Cost {
  total_usd: number;
  lines: { bucket: string; tokens: number; usd_per_token: number; usd: number }[];
  price_id: string | null;
  tier: string;
  source: 'priced' | 'client';
  priced_usd?: number;
}

export interface Attachment {
  name: string;
  media_type: string;
  size_bytes: number;
  url: string;
  is_picture: boolean;
}

/** A run of a tree, without what is large. */
export interface RunHead {
  id: string;
  trace_id: string;
  parent_id: string | null;
  project: string;
  name: string;
  kind: string;
  status: Status;
  error: string | null;
  start_time: string;
  end_time: string | null;
  latency_ms: number | null;
  first_token_ms: number | null;
  tags: string[];
  metadata: Record<string, unknown>;
  session_id: string | null;
  user_id: string | null;
  provider: string | null;
  model: string | null;
  usage: Usage | null;
  cost: Cost | null;
}

export interface RunNode extends RunHead {
  children: RunNode[];
}

export interface Run extends RunHead {
  inputs: unknown;
  outputs: unknown;
  events: { name: string; time: string; attributes: Record<string, unknown> }[];
  attributes: Record<string, unknown>;
}

export interface TraceTree extends TraceSummary {
  roots: RunNode[];
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface StatsRow {
  key?: string;
  traces: number;
  runs: number;
  errors: number;
  error_rate: number;
  latency_ms: Percentiles;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

/** Of all traces: which are kept where not all are, and how many were left out. */
export interface Sampling {
  rate: number;
  keep_errors: boolean;
  keep_slower_ms: number;
  left_out_traces: number;
  left_out_runs: number;
}

export interface Stats extends StatsRow {
  groups?: (StatsRow & { key: string })[];
  sampling?: Sampling;
}

export interface Project {
  name: string;
  traces: number;
  runs: number;
  last_run_time: string;
}

export const groupings = [
  'model',
  'project',
  'user',
  'session',
  'key',
  'prompt',
  'kind',
  'day',
  'hour',
] as const;
export type Grouping = (typeof groupings)[number];

export interface CostGroup {
  key: string;
  runs: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cost_usd: number;
}

export interface Costs {
  currency: string;
  total_usd: number;
  unpriced_runs: number;
  groups: CostGroup[];
}

export interface Price {
  price_id: string;
  model: string;
  provider: string;
  valid_from: string;
  source: string;
}

export interface Feedback {
  id: string;
  key: string;
  score?: number | boolean | null;
  value?: unknown;
  comment?: string | null;
  created_at?: string;
}

export interface Alert {
  at: number;
  webhook: string;
  fired_at?: string | null;
}

export interface BudgetWish {
  name: string;
  scope: Record<string, string>;
  limit_usd?: number | null;
  limit_tokens?: number | null;
  period: string;
  on_exceed: string;
  degrade_to?: string | null;
  alerts: Alert[];
}

/** What was spent of a limit, and what is held for calls under way. */
export interface Spent {
  spent_usd: number;
  reserved_usd: number;
  remaining_usd: number | null;
  spent_tokens: number;
  reserved_tokens: number;
  remaining_tokens: number | null;
  admitted: number;
  refused: number;
}

export interface Budget extends BudgetWish, Spent {
  id: string;
  approved_usd: number;
  approved_tokens: number;
  resets_at: string | null;
  source: string; // "api" or "slipway.yaml"
  subjects: (Spent & { scope: Record<string, string> })[];
}

export interface LedgerEntry {
  seq: number;
  time: string;
  kind: string;
  call_id: string;
  trace_id: string | null;
  usd: number;
  tokens: number;
  scope: Record<string, string> | null;
}

export interface Prompt {
  name: string;
  description: string;
  readme: string;
  labels: string[];
  is_archived: boolean;
  versions: number;
  traffic: { reference: string; share: number }[];
  tags: Record<string, number>; // At which version each stands.
  created_at: string;
  updated_at: string;
}

export interface PromptMessage {
  role?: string;
  content?: string;
  placeholder?: string; // A variable that is a list of messages.
  optional?: boolean;
}

export interface PromptContent {
  messages?: PromptMessage[];
  syntax?: string;
  model?: string;
  parameters?: Record<string, unknown>;
}

export interface PromptVersion {
  version: number;
  hash: string;
  parent_hash: string | null;
  description: string;
  tags: string[];
  content: PromptContent;
  variables: { name: string; required: boolean; list: boolean }[];
  problem: string; // Why it cannot be rendered; empty: it can.
  created_at: string;
}

export interface PromptWish extends PromptContent {
  message: string;
  tags: string[];
  parent: number;
}

export interface RenderedPrompt {
  name: string;
  version: number;
  messages: ChatMessage[];
  model: string;
  parameters: Record<string, unknown>;
}

export interface ChatMessage {
  role: string;
  content: string;
}
