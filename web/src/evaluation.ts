// Where datasets, evaluations and evaluators are on the server, and what it sends of them.
import { all, call, segment, send, type List } from './api';
import { withQueries, type Queries } from './observe';

export interface Dataset {
  id: string;
  name: string;
  description: string | null;
  data_type: string;
  inputs_schema: object | null;
  outputs_schema: object | null;
  metadata: Record<string, unknown>;
  created_at: string;
  modified_at: string;
  example_count: number;
}

export interface DatasetVersion {
  version: string; // The time of its commit.
  tags: string[];
}

export interface DatasetDetails extends Dataset {
  version: DatasetVersion | null; // null: there are no examples yet.
  digest: string | null;
  splits: string[];
}

export interface Example {
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown> | null;
  metadata: Record<string, unknown>;
  splits: string[];
  source_run_id: string | null;
  created_at: string;
  version: string;
  attachments: { name: string; media_type: string; url: string; size_bytes: number }[];
}

export interface ExampleWish {
  inputs: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  metadata: Record<string, unknown>;
  splits: string[];
}

export interface DatasetDiff {
  added: string[];
  removed: string[];
  modified: string[];
}

export interface Written {
  version: string;
  ids: string[];
  skipped: number;
}

export interface GoldensReport {
  dataset: string;
  version: string;
  added: number;
  changed: number;
  unchanged: number;
}

export type EvaluationState =
  | 'queued'
  | 'running'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'interrupted';

/** A mean of scores with the interval that holds it in 95 of 100 repetitions. */
export interface Metric {
  name: string;
  mean: number | null;
  low: number | null; // Both null: too few values for an interval.
  high: number | null;
  method: string;
  n: number;
  clusters: number;
  skipped: number;
  errors: number;
  pass_rate: number | null;
  mde: number | null; // The smallest difference that this many cases show.
  lower_is_better: boolean;
  threshold: number | null;
}

export interface Evaluation {
  id: string;
  name: string;
  /** A run of a suite, or an experiment that LangSmith's evaluate() left. */
  source: 'evaluation' | 'experiment';
  state: EvaluationState;
  error: string | null;
  dataset: { id: string; name: string; version: string | null } | null;
  target: string;
  judge: string;
  created_at: string;
  finished_at: string | null;
  done: number;
  total: number;
  passed: boolean | null; // All thresholds hold; null: nobody has said any.
  failures: string[]; // Why it has not passed.
  metrics: Metric[];
  job: string | null;
  request: Record<string, unknown> | null; // The suite that was asked for.
  metadata: Record<string, unknown>;
}

export interface ScoreItem {
  text: string;
  verdict: string;
  reason: string;
  byte_start: number | null;
  byte_end: number | null;
  score: number | null;
}

export interface ItemScore {
  score: number | null;
  pass: boolean | null;
  reason: string;
  error: string | null;
  items: ScoreItem[];
}

/** One case, with what came out of it. */
export interface EvaluationItem {
  id: string;
  cluster: string;
  severity: string;
  input: string;
  expected_output: string | null;
  actual_output: string | null;
  retrieval_context: string[];
  error: string | null;
  trace_id: string | null;
  latency_ms: number | null;
  cost_usd: number | null;
  scores: Record<string, ItemScore>;
}

export interface MetricChange {
  name: string;
  baseline: number | null;
  candidate: number | null;
  difference: number | null; // Of the means of the same cases.
  low: number | null; // The 95 % interval of it.
  high: number | null;
  n: number;
  clusters: number;
  p_worse: number | null;
  q_worse: number | null;
  verdict: string;
  mde: number | null;
  lower_is_better: boolean;
}

export interface SideOfItem {
  answer: string | null;
  error: string | null;
  trace_id: string | null;
  run_id: string | null;
  latency_ms: number | null;
  cost_usd: number | null;
  scores: Record<string, ItemScore>;
}

export interface ItemChange {
  id: string;
  input: string;
  expected_output: string | null;
  severity: string;
  change: number | null; // Of the metric that is looked at; below 0: worse.
  baseline: SideOfItem | null;
  candidate: SideOfItem | null;
}

export interface EvaluationComparison {
  baseline: Evaluation;
  candidate: Evaluation;
  /** What is not the same on both sides: dataset version, judge, metrics. */
  changes: string[];
  metrics: MetricChange[];
  only_baseline: number;
  only_candidate: number;
  metric: string;
  total: number;
  items: ItemChange[];
  next_cursor: string | null;
}

export interface MetricMode {
  mode: string;
  formula: string;
  needs: string[]; // "a|b": one of them.
  needs_judge: boolean;
}

export interface MetricOption {
  name: string;
  kind: 'number' | 'whole' | 'flag' | 'text' | 'texts' | 'choice' | 'pair';
  fallback: string;
  meaning: string;
  choices: string[];
}

export interface MetricInfo {
  name: string;
  summary: string;
  source: string;
  lower_is_better: boolean;
  modes: MetricMode[];
  options: MetricOption[];
}

export interface EvaluatorWish {
  name: string;
  key: string;
  project: string;
  filter: Record<string, unknown>;
  roots_only: boolean;
  sample: number;
  enabled: boolean;
  evaluator: {
    kind: 'contains' | 'regex' | 'json' | 'judge' | 'metric' | 'code';
    text?: string;
    pattern?: string;
    negate?: boolean;
    path?: string;
    prompt?: string;
    variables?: Record<string, string>;
    model?: string;
    metric?: Record<string, unknown>;
    code?: string;
  };
}

export interface Evaluator extends EvaluatorWish {
  id: string;
  created_at: string;
}

/** Of the runs that a rule judged lately; never of those that it did not. */
export interface EvaluatorScores {
  sample: number;
  mean: number | null;
  low: number | null;
  high: number | null;
  method: string;
  n: number;
  errors: number;
  hours: { hour: string; mean: number | null; low: number | null; high: number | null; n: number }[];
}

const datasetPath = (name: string, at = '') =>
  `/api/datasets/${segment(at ? `${name}@${at}` : name)}`;
const examplePath = (name: string, id: string) => `${datasetPath(name)}/examples/${segment(id)}`;
const evaluationPath = (id: string) => `/api/evaluations/${segment(id)}`;
const get = <T>(path: string, queries: Queries = {}, signal?: AbortSignal) =>
  call<T>('GET', withQueries(path, queries), undefined, signal);

export const evaluation = {
  datasets: (queries: Queries, signal?: AbortSignal) =>
    get<List<Dataset>>('/api/datasets', queries, signal),
  allDatasets: (signal?: AbortSignal) => all<Dataset>('/api/datasets', signal),
  dataset: (name: string, at: string, signal?: AbortSignal) =>
    get<DatasetDetails>(datasetPath(name, at), {}, signal),
  createDataset: (wish: { name: string; description?: string }) =>
    call<Dataset>('POST', '/api/datasets', wish),
  changeDataset: (name: string, change: { name?: string; description?: string }) =>
    call<Dataset>('PATCH', datasetPath(name), change),
  removeDataset: (name: string) => call<void>('DELETE', datasetPath(name)),
  versions: (name: string, cursor: string, signal?: AbortSignal) =>
    get<List<DatasetVersion>>(`${datasetPath(name)}/versions`, { limit: 50, cursor }, signal),
  tag: (name: string, tag: string, version: string) =>
    call<DatasetVersion>('PUT', `${datasetPath(name)}/tags`, { tag, version }),
  diff: (name: string, from: string, to: string, signal?: AbortSignal) =>
    get<DatasetDiff>(`${datasetPath(name)}/diff`, { from, to }, signal),
  exportPath: (name: string, at: string, format: string) =>
    withQueries(`${datasetPath(name, at)}/export`, { format }),

  examples: (name: string, at: string, queries: Queries, signal?: AbortSignal) =>
    get<List<Example>>(`${datasetPath(name, at)}/examples`, { limit: 50, ...queries }, signal),
  example: (name: string, at: string, id: string, signal?: AbortSignal) =>
    get<Example>(`${datasetPath(name, at)}/examples/${segment(id)}`, {}, signal),
  addExample: (name: string, wish: ExampleWish) =>
    call<Written>('POST', `${datasetPath(name)}/examples`, { examples: [wish] }),
  changeExample: (name: string, id: string, change: Partial<ExampleWish>) =>
    call<Written>('PATCH', examplePath(name, id), change),
  removeExample: (name: string, id: string) => call<void>('DELETE', examplePath(name, id)),
  importFiles: async (name: string, files: File[], splits: string[]): Promise<Written> => {
    const form = new FormData();
    for (const file of files) form.append('files', file, file.name);
    for (const split of splits) form.append('splits', split);
    return (await send('POST', `${datasetPath(name)}/import`, form)).json();
  },
  addGoldens: async (name: string, files: File[]): Promise<GoldensReport> => {
    const form = new FormData();
    for (const file of files) form.append('files', file, file.name);
    return (await send('POST', `${datasetPath(name)}/goldens`, form)).json();
  },

  evaluations: (queries: Queries, signal?: AbortSignal) =>
    get<List<Evaluation>>('/api/evaluations', queries, signal),
  evaluation: (id: string, signal?: AbortSignal) =>
    get<Evaluation>(evaluationPath(id), { items: 'false' }, signal),
  items: (id: string, queries: Queries, signal?: AbortSignal) =>
    get<List<EvaluationItem>>(`${evaluationPath(id)}/items`, queries, signal),
  reportPath: (id: string) => `${evaluationPath(id)}/report.html`,
  resultPath: (id: string) => evaluationPath(id),
  compare: (queries: Queries, signal?: AbortSignal) =>
    get<EvaluationComparison>('/api/evaluations/compare', queries, signal),
  start: (suite: object) =>
    call<{ evaluation: Evaluation }>('POST', '/api/evaluations', suite),
  /** Ends one that runs; one that has just ended stays as it is. */
  cancel: (id: string) => call<Evaluation>('POST', `${evaluationPath(id)}/cancel`),
  /** Deletes one that has ended, with its cases. */
  remove: (id: string) => call<unknown>('DELETE', evaluationPath(id)),
  addRegression: (
    id: string,
    wish: { dataset: string; item: string; expected_output: string | null },
  ) => call<Written>('POST', `${evaluationPath(id)}/regressions`, wish),
  metrics: (signal?: AbortSignal) =>
    get<{ items: MetricInfo[] }>('/api/evaluations/metrics', {}, signal),

  evaluators: (signal?: AbortSignal) => get<List<Evaluator>>('/api/evaluators', {}, signal),
  createEvaluator: (wish: EvaluatorWish) => call<Evaluator>('POST', '/api/evaluators', wish),
  putEvaluator: (id: string, wish: EvaluatorWish) =>
    call<Evaluator>('PUT', `/api/evaluators/${segment(id)}`, wish),
  evaluatorScores: (id: string, signal?: AbortSignal) =>
    get<EvaluatorScores>(`/api/evaluators/${segment(id)}/scores`, {}, signal),
  removeEvaluator: (id: string) => call<void>('DELETE', `/api/evaluators/${segment(id)}`),
};

export const datasetHref = (name: string): string => `/datasets/${encodeURIComponent(name)}`;
export const evaluationHref = (id: string): string => `/evaluations/${encodeURIComponent(id)}`;
export const compareHref = (baseline: string, candidate: string): string =>
  `/evaluations/compare?baseline=${encodeURIComponent(baseline)}&candidate=${encodeURIComponent(candidate)}`;
