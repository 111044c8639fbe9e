// Where agents, their threads and runs are on the server.
import { all, call, readEvents, segment, send, type List, type Problem } from './api';
import { withQueries } from './observe';

export interface AgentItem {
  name: string;
  description: string;
  hash: string;
  version: number;
  declared: boolean;
  created_at: string;
  updated_at: string;
}

export interface AgentInfo extends AgentItem {
  file: string;
  yaml: string;
}

export interface Fault {
  code: string;
  line: number;
  message: string;
}

export interface DrawnNode {
  name: string;
  kind: string;
  about: string;
  line: number;
  asks: boolean;
  pauses: boolean;
  defers: boolean;
  agent: string | null;
  schema: any; // Of a person's answer; null: any.
}

export interface DrawnEdge {
  from: string;
  to: string;
  kind: 'plain' | 'when' | 'else' | 'each' | 'empty' | 'on' | 'join';
  label: string;
  line: number;
}

export interface DrawnKey {
  name: string;
  type: string;
  reduce: string;
  fallback: unknown;
  has_fallback: boolean;
}

export interface Limits {
  tokens?: number | null;
  calls?: number | null;
  usd?: number | null;
}

export interface Drawing {
  name: string;
  hash: string;
  nodes: DrawnNode[];
  edges: DrawnEdge[];
  keys: DrawnKey[];
  input: string[];
  output: string[];
  budget: Limits & { wall_seconds: number | null; on_exceed: string };
  steps_max: number;
}

export interface Check {
  ok: boolean;
  errors: Fault[];
  warnings: Fault[];
  worst_case: {
    steps: number | null;
    calls: number | null;
    tokens: number | null;
    usd: number | null;
  } | null;
  drawing: Drawing | null;
}

export type ThreadStatus = 'idle' | 'busy' | 'interrupted' | 'failed';

export interface Thread {
  thread: string;
  agent: string;
  status: ThreadStatus;
  created_at: string;
  updated_at: string;
  run: string | null;
}

export type RunStatus = 'pending' | 'running' | 'done' | 'failed' | 'interrupted' | 'cancelled';

export interface Run {
  run: string;
  thread: string;
  agent: string;
  status: RunStatus;
  created_at: string;
  updated_at: string;
}

export interface Interrupt {
  id: string;
  node: string;
  path: string;
  kind: 'human' | 'approval' | 'budget' | 'effect';
  value: any;
  expires?: string;
}

export interface Usage {
  tokens: number;
  usd: number;
  calls: number;
  reserved_peak: number;
}

export interface RunResult {
  thread: string;
  run: string;
  status: RunStatus;
  state: Record<string, unknown>;
  output: Record<string, unknown>;
  error?: { kind: string; message: string; node?: string };
  interrupts: Interrupt[];
  usage: Usage;
  finished_early?: boolean;
  checkpoint: string;
}

export interface Checkpoint {
  checkpoint: string;
  parent: string | null;
  run: string;
  source: 'input' | 'step' | 'fork';
  step: number;
  state: Record<string, unknown>;
  next: string[];
  interrupts: Interrupt[];
}

export interface LedgerRow {
  key: string;
  node: string;
  tool?: string;
  model?: string;
  state: string;
  args?: unknown;
  usage?: Partial<Usage>;
  [other: string]: unknown;
}

export interface Replay {
  run: string;
  ok: boolean;
  steps?: number;
  status?: string;
  first_difference?: unknown;
  needs?: unknown;
}

export interface RunEvent {
  id: number;
  type: string;
  data: any;
}

/** How a thread goes on. */
export interface ResumeWish {
  answers?: Record<string, unknown>;
  checkpoint?: string;
  set?: Record<string, unknown>;
  as?: string;
}

const agentPath = (name: string) => `/api/agents/${segment(name)}`;
const threadPath = (thread: string) => `/api/threads/${segment(thread)}`;
const runPath = (thread: string, run: string) => `${threadPath(thread)}/runs/${segment(run)}`;

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

const patience = 5; // Times that a stream may break without an event between.

/** Every event of a run, each once; goes on where it was cut off. Ends when the run is over or waits. */
async function follow(
  thread: string,
  run: string,
  onEvent: (event: RunEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let seen = 0;
  for (let broken = 0; ; broken++) {
    try {
      const path = withQueries(`${runPath(thread, run)}/events`, { after: seen || null });
      const response = await send('GET', path, undefined, signal);
      for await (const { id, name, data } of readEvents(response)) {
        const number = Number(id);
        if (number <= seen) continue;
        seen = number;
        broken = 0;
        onEvent({ id: number, type: name, data });
      }
    } catch (error) {
      const status = (error as Problem).status ?? 0;
      if (signal.aborted) return;
      if ((status >= 400 && status < 500) || broken >= patience) throw error;
    }
    if (signal.aborted) return;
    const now = await call<Run>('GET', runPath(thread, run), undefined, signal).catch(() => null);
    if (now && now.status !== 'running' && now.status !== 'pending') return;
    if (broken >= patience) throw new Error('the events of the run broke off; reload the page');
    await pause(400 * (broken + 1), signal);
  }
}

export const agents = {
  list: async (signal?: AbortSignal) =>
    (await call<List<AgentItem>>('GET', '/api/agents', undefined, signal)).items,
  get: (name: string, signal?: AbortSignal) =>
    call<AgentInfo>('GET', agentPath(name), undefined, signal),
  drawing: (name: string, signal?: AbortSignal) =>
    call<Drawing>('GET', `${agentPath(name)}/graph`, undefined, signal),
  put: (name: string, yaml: string) => call<AgentInfo>('PUT', agentPath(name), { yaml }),
  remove: (name: string) => call<void>('DELETE', agentPath(name)),
  check: (yaml: string, signal?: AbortSignal) =>
    call<Check>('POST', '/api/agents/check', { yaml, graph: true }, signal),

  threads: (queries: { agent?: string; status?: string; limit?: number }, signal?: AbortSignal) =>
    all<Thread>(withQueries('/api/threads', queries), signal),
  thread: (id: string, signal?: AbortSignal) =>
    call<Thread>('GET', threadPath(id), undefined, signal),
  createThread: (agent: string) => call<Thread>('POST', '/api/threads', { agent }),
  removeThread: (id: string) => call<void>('DELETE', threadPath(id)),
  runs: async (thread: string, signal?: AbortSignal) =>
    (await call<List<Run>>('GET', `${threadPath(thread)}/runs?limit=200`, undefined, signal)).items,
  run: (thread: string, run: string, signal?: AbortSignal) =>
    call<Run & { result: RunResult | null }>('GET', runPath(thread, run), undefined, signal),
  start: (thread: string, input: object, options: object) =>
    call<Run>('POST', `${threadPath(thread)}/runs`, { input, options }),
  resume: (thread: string, wish: ResumeWish) =>
    call<Run>('POST', `${threadPath(thread)}/resume`, wish),
  cancel: (thread: string, run: string) => call<Run>('POST', `${runPath(thread, run)}/cancel`),
  replay: (thread: string, run: string) => call<Replay>('POST', `${runPath(thread, run)}/replay`),
  history: async (thread: string, signal?: AbortSignal) =>
    (
      await call<List<Checkpoint>>(
        'GET',
        `${threadPath(thread)}/history?limit=500`,
        undefined,
        signal,
      )
    ).items,
  ledger: async (thread: string, signal?: AbortSignal) =>
    (
      await call<{ rows: LedgerRow[] }>('GET', `${threadPath(thread)}/ledger`, undefined, signal)
    ).rows,
  follow,
};

export const agentHref = (name: string): string => `/agents/${segment(name)}`;
export const threadHref = (agent: string, thread: string): string =>
  `${agentHref(agent)}/threads/${segment(thread)}`;
