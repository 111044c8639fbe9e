// Where traces, costs and budgets are on the server.
import { all, call, segment, send, type List, type Model } from './api';
import type {
  Attachment,
  Budget,
  BudgetWish,
  Costs,
  Feedback,
  Grouping,
  LedgerEntry,
  Price,
  Project,
  Prompt,
  PromptVersion,
  PromptWish,
  RenderedPrompt,
  Run,
  Stats,
  TraceSummary,
  TraceTree,
} from './trace_shapes';

export * from './trace_shapes';

/** Queries by the names that lists have in addresses; what is empty is left out. */
export type Queries = Record<string, string | number | null | undefined>;

export function withQueries(path: string, queries: Queries): string {
  const parts = Object.entries(queries)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${name}=${segment(String(value))}`);
  return parts.length ? `${path}?${parts.join('&')}` : path;
}

const get = <T>(path: string, queries: Queries = {}, signal?: AbortSignal) =>
  call<T>('GET', withQueries(path, queries), undefined, signal);

let known: Promise<Set<string>> | null = null;

/** The paths that this server has, with the names of their parts as its document says. */
export function knownPaths(): Promise<Set<string>> {
  known ??= call<{ paths: object }>('GET', '/openapi.json').then(
    (document) => new Set(Object.keys(document.paths)),
    () => {
      known = null;
      return new Set<string>();
    },
  );
  return known;
}

const runPath = (id: string) => `/api/runs/${segment(id)}`;
const promptPath = (name: string) => `/api/prompts/${segment(name)}`;
const budgetPath = (id: string) => `/api/budgets/${segment(id)}`;

export const observe = {
  traces: (queries: Queries, signal?: AbortSignal) =>
    get<List<TraceSummary>>('/api/traces', queries, signal),
  stats: (queries: Queries, signal?: AbortSignal) =>
    get<Stats>('/api/traces/stats', queries, signal),
  trace: (id: string, signal?: AbortSignal) =>
    get<TraceTree>(`/api/traces/${segment(id)}`, { payload: 'false' }, signal),
  /** Where the whole trace is, as JSON. */
  tracePath: (id: string) => `/api/traces/${segment(id)}`,
  /** Where what fits is as a file, a trace a line. */
  exportPath: (queries: Queries) => withQueries('/api/traces/export', queries),
  removeTrace: (id: string) => call<void>('DELETE', `/api/traces/${segment(id)}`),
  run: (id: string, trace: string, signal?: AbortSignal) =>
    get<Run>(runPath(id), { trace_id: trace }, signal),
  /** The files that came with a run. */
  attachments: async (id: string, trace: string, signal?: AbortSignal): Promise<Attachment[]> =>
    (
      await get<{ items: Attachment[] }>(
        `${runPath(id)}/attachments`,
        { trace_id: trace },
        signal,
      )
    ).items,
  /** The bytes as the client sent them. */
  payload: async (id: string, trace: string, which: 'inputs' | 'outputs', signal?: AbortSignal) =>
    (
      await send(
        'GET',
        withQueries(`${runPath(id)}/${which}`, { trace_id: trace }),
        undefined,
        signal,
      )
    ).text(),
  projects: (signal?: AbortSignal) => all<Project>('/api/projects', signal),
  costs: (queries: Queries & { group_by: Grouping }, signal?: AbortSignal) =>
    get<Costs>('/api/costs', queries, signal),
  prices: (model: string, signal?: AbortSignal) =>
    get<List<Price>>('/api/prices', { model }, signal),
  chatModels: async (signal?: AbortSignal) =>
    (await all<Model>('/api/models', signal)).filter((model) => model.task === 'chat'),

  feedback: async (run: string, signal?: AbortSignal): Promise<Feedback[]> =>
    (await get<List<Feedback>>('/api/feedback', { run_id: run }, signal)).items,
  giveFeedback: (run: string, feedback: { key: string; score: number; comment?: string }) =>
    call<unknown>('POST', `${runPath(run)}/feedback`, feedback),
  datasets: (signal?: AbortSignal) => all<{ name: string }>('/api/datasets', signal),
  createDataset: (name: string) => call<unknown>('POST', '/api/datasets', { name }),
  addExample: (dataset: string, run: string, trace: string, outputs?: unknown) =>
    call<unknown>('POST', `/api/datasets/${segment(dataset)}/examples`, {
      from_run: run,
      trace_id: trace,
      outputs,
    }),
  /** The roots of all traces that fit. */
  addTraffic: (dataset: string, queries: Record<string, unknown>) =>
    call<{ ids: string[]; skipped: number }>(
      'POST',
      `/api/datasets/${segment(dataset)}/from-traces`,
      queries,
    ),

  prompts: (q: string, offset: number, signal?: AbortSignal) =>
    get<{ items: Prompt[]; total: number }>('/api/prompts', { q, offset, limit: 100 }, signal),
  prompt: (name: string, signal?: AbortSignal) => get<Prompt>(promptPath(name), {}, signal),
  describePrompt: (name: string, change: { description?: string; is_archived?: boolean }) =>
    call<Prompt>('PATCH', promptPath(name), change),
  removePrompt: (name: string) => call<void>('DELETE', promptPath(name)),
  promptVersions: (name: string, offset: number, signal?: AbortSignal) =>
    get<{ items: PromptVersion[]; total: number }>(
      `${promptPath(name)}/versions`,
      { limit: 100, offset },
      signal,
    ),
  promptVersion: (name: string, reference: string, signal?: AbortSignal) =>
    get<PromptVersion>(`${promptPath(name)}/versions/${segment(reference)}`, {}, signal),
  commitPrompt: (name: string, wish: PromptWish) =>
    call<PromptVersion>('POST', `${promptPath(name)}/versions`, wish),
  tagPrompt: (name: string, tag: string, version: number) =>
    call<unknown>('PUT', `${promptPath(name)}/tags/${segment(tag)}`, {
      reference: String(version),
    }),
  untagPrompt: (name: string, tag: string) =>
    call<void>('DELETE', `${promptPath(name)}/tags/${segment(tag)}`),
  sharePrompt: (name: string, shares: { reference: string; share: number }[]) =>
    call<Prompt>('PUT', `${promptPath(name)}/traffic`, { shares }),
  renderPrompt: (name: string, reference: string, variables: Record<string, unknown>) =>
    call<RenderedPrompt>('POST', `${promptPath(name)}/versions/${segment(reference)}/render`, {
      variables,
    }),

  budgets: (signal?: AbortSignal) => all<Budget>('/api/budgets', signal),
  budget: (id: string, signal?: AbortSignal) => get<Budget>(budgetPath(id), {}, signal),
  createBudget: (budget: BudgetWish) => call<Budget>('POST', '/api/budgets', budget),
  changeBudget: (id: string, change: Partial<BudgetWish>) =>
    call<Budget>('PATCH', budgetPath(id), change),
  approveBudget: (id: string, approval: { usd?: number; tokens?: number; scope?: object }) =>
    call<Budget>('POST', `${budgetPath(id)}/approvals`, approval),
  removeBudget: (id: string) => call<void>('DELETE', budgetPath(id)),
  ledger: (id: string, cursor: string, signal?: AbortSignal) =>
    get<List<LedgerEntry>>(`${budgetPath(id)}/ledger`, { limit: 100, cursor }, signal),
};
