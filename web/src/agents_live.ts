// A run as its events tell it, step by step.
import type { Interrupt, RunEvent, RunResult, RunStatus, Usage } from './agents';
import type { NodeMark, NodeState } from './parts/agent_graph';

export interface LiveCall {
  call: number;
  what: 'model' | 'tool';
  name: string;
  state: string;
  text: string; // Of a model: as it comes.
  args?: unknown;
  result?: unknown;
  error?: string;
}

export interface LiveTask {
  key: string;
  node: string;
  path: string; // "writer/draft" in a sub-agent.
  index: number | null;
  status: 'running' | 'done' | 'failed' | 'stopped';
  attempt: number;
  writes: Record<string, unknown> | null;
  error: { kind: string; message: string } | null;
  calls: LiveCall[];
}

export interface LiveStep {
  step: number;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  checkpoint: string;
  next: string[];
  tasks: LiveTask[];
}

export interface LiveBudget {
  settled: Partial<Usage>;
  reserved: Partial<Usage>;
  left: Partial<Usage> | null;
}

export interface Live {
  status: RunStatus;
  steps: LiveStep[];
  interrupts: Interrupt[];
  budget: LiveBudget | null;
  result: RunResult | null;
}

export const nothingYet: Live = {
  status: 'pending',
  steps: [],
  interrupts: [],
  budget: null,
  result: null,
};

const stepsMax = 500; // Older ones are seen among the checkpoints.

const keyOf = (data: any): string =>
  `${data.graph ?? ''}/${data.node}[${data.index ?? ''}]#${data.visit ?? ''}`;

function taskOf(data: any): LiveTask {
  return {
    key: keyOf(data),
    node: data.node,
    path: data.graph ? `${data.graph}/${data.node}` : data.node,
    index: data.index ?? null,
    status: 'running',
    attempt: data.attempt ?? 1,
    writes: null,
    error: null,
    calls: [],
  };
}

const changeLast = (live: Live, change: (step: LiveStep) => LiveStep): Live => {
  const last = live.steps.at(-1) ?? {
    step: 0,
    before: null,
    after: null,
    checkpoint: '',
    next: [],
    tasks: [],
  };
  return { ...live, steps: [...live.steps.slice(0, -1), change(last)] };
};

function changeTask(live: Live, data: any, change: (task: LiveTask) => LiveTask): Live {
  return changeLast(live, (step) => {
    const key = keyOf(data);
    const isThere = step.tasks.some((task) => task.key === key);
    const tasks = isThere ? step.tasks : [...step.tasks, taskOf(data)];
    return { ...step, tasks: tasks.map((task) => (task.key === key ? change(task) : task)) };
  });
}

function changeCall(task: LiveTask, data: any, what: LiveCall['what'], part: Partial<LiveCall>) {
  const call = data.call ?? 0;
  const known = task.calls.find((one) => one.call === call && one.what === what);
  const next: LiveCall = {
    call,
    what,
    name: data.model ?? data.tool ?? known?.name ?? '',
    state: 'begun',
    text: '',
    ...known,
    ...part,
  };
  const calls = known
    ? task.calls.map((one) => (one === known ? next : one))
    : [...task.calls, next];
  return { ...task, calls };
}

/** Items of a map that only compute are not told of one by one: they end with the map. */
function endItems(live: Live, data: any): Live {
  if (typeof data.index === 'number' || (data.status ?? 'done') !== 'done') return live;
  const whole = keyOf(data);
  const isItem = (task: LiveTask) =>
    task.index !== null && task.status === 'running' && task.key.replace(/\[\d+\]/, '[]') === whole;
  if (!live.steps.at(-1)?.tasks.some(isItem)) return live;
  return changeLast(live, (step) => ({
    ...step,
    tasks: step.tasks.map((task) => (isItem(task) ? { ...task, status: 'done' } : task)),
  }));
}

function withStep(live: Live, data: any): Live {
  const last = live.steps.at(-1);
  // Told again when the run goes on: what had ended of the superstep stays.
  if (last && last.step === data.step && !last.after)
    return changeLast(live, (step) => ({ ...step, before: data.state ?? step.before }));
  const step: LiveStep = {
    step: data.step,
    before: data.state ?? null,
    after: null,
    checkpoint: '',
    next: [],
    tasks: [],
  };
  return { ...live, steps: [...live.steps, step].slice(-stepsMax) };
}

/** The run after one more event. */
export function after(live: Live, { type, data }: RunEvent): Live {
  const isOutermost = !data.graph;
  switch (type) {
    case 'run.started':
      return { ...live, status: 'running', interrupts: [], result: null };
    case 'step.started':
      return isOutermost ? withStep(live, data) : live;
    case 'task.started':
      return changeTask(live, data, (task) => ({
        ...task,
        status: 'running',
        attempt: data.attempt ?? task.attempt,
      }));
    case 'token':
      return changeTask(live, data, (task) => {
        const known = task.calls.find((one) => one.call === data.call && one.what === 'model');
        return changeCall(task, data, 'model', { text: (known?.text ?? '') + data.text });
      });
    case 'model':
      return changeTask(live, data, (task) =>
        changeCall(task, data, 'model', {
          state: data.state,
          ...(typeof data.text === 'string' && data.text ? { text: data.text } : {}),
        }),
      );
    case 'tool':
      return changeTask(live, data, (task) =>
        changeCall(task, data, 'tool', {
          state: data.state,
          args: data.args,
          result: data.result,
          error: data.error?.message ?? data.error,
        }),
      );
    case 'task.finished':
      return endItems(
        changeTask(live, data, (task) => ({
          ...task,
          status: data.status ?? 'done',
          writes: data.writes ?? null,
          error: data.error ?? null,
        })),
        data,
      );
    case 'step.finished':
      if (!isOutermost) return live;
      return changeLast(live, (step) => ({
        ...step,
        after: data.state ?? {},
        checkpoint: data.checkpoint ?? '',
        next: data.next ?? [],
        tasks: step.tasks.map((task) =>
          task.status === 'running' ? { ...task, status: 'done' } : task,
        ),
      }));
    case 'interrupt':
      return {
        ...live,
        interrupts: [...live.interrupts.filter((one) => one.id !== data.id), data],
      };
    case 'budget':
      return { ...live, budget: data };
    case 'run.finished':
      return { ...live, status: data.status, result: data, interrupts: data.interrupts ?? [] };
    default:
      return live;
  }
}

const urgency: NodeState[] = ['next', 'done', 'waiting', 'failed', 'running'];

/** What each node of the outermost graph is doing: of its tasks of a step the one that matters most. */
export function marksOf(live: Live): Map<string, NodeMark> {
  const marks = new Map<string, NodeMark>();
  const states = { running: 'running', done: 'done', failed: 'failed', stopped: 'waiting' } as const;
  for (const step of live.steps) {
    const seen = new Map<string, NodeMark>();
    for (const task of step.tasks) {
      const node = task.path.split('/')[0]!;
      const isOwn = task.path === node;
      const known = seen.get(node);
      const isItemOfMap =
        task.index !== null && step.tasks.some((one) => one.path === node && one.index === null);
      const state: NodeState = isOwn ? states[task.status] : (known?.state ?? 'running');
      const isMore = !known || urgency.indexOf(state) > urgency.indexOf(known.state);
      seen.set(node, {
        state: isMore ? state : known.state,
        runs: (known?.runs ?? 0) + (isOwn && !isItemOfMap ? 1 : 0),
      });
    }
    for (const [node, mark] of seen)
      marks.set(node, { ...mark, runs: mark.runs + (marks.get(node)?.runs ?? 0) });
  }
  for (const { node } of live.interrupts)
    marks.set(node, { state: 'waiting', runs: marks.get(node)?.runs ?? 1 });
  if (live.status === 'interrupted' || live.status === 'running')
    for (const node of live.steps.at(-1)?.next ?? [])
      if (!marks.has(node) || marks.get(node)!.state === 'done')
        if (!live.steps.at(-1)!.tasks.some((task) => task.node === node && task.status === 'running'))
          marks.set(node, { state: 'next', runs: marks.get(node)?.runs ?? 0 });
  return marks;
}

export interface KeyChange {
  key: string;
  kind: 'new' | 'changed' | 'gone' | 'grown';
  before: unknown;
  after: unknown;
  added?: unknown[]; // Of a list that only grew.
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Which keys of a state are others now. */
export function changesOf(
  before: Record<string, unknown>,
  now: Record<string, unknown>,
): KeyChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys.flatMap((key): KeyChange[] => {
    const [a, b] = [before[key], now[key]];
    if (same(a, b)) return [];
    if (!(key in before)) return [{ key, kind: 'new', before: a, after: b }];
    if (!(key in now)) return [{ key, kind: 'gone', before: a, after: b }];
    if (Array.isArray(a) && Array.isArray(b) && b.length > a.length && same(b.slice(0, a.length), a))
      return [{ key, kind: 'grown', before: a, after: b, added: b.slice(a.length) }];
    return [{ key, kind: 'changed', before: a, after: b }];
  });
}
