// Queues of runs that wait for a person's judgement: those that LangSmith's clients know.
import { call, segment } from './api';
import type { RunHead } from './observe';

export interface ReviewQueue {
  id: string;
  name: string;
  description: string | null;
  rubric_instructions: string | null;
}

export interface Sizes {
  waiting: number;
  done: number;
}

/** A run of a queue; `item` is its place there. */
export interface Waiting {
  item: string;
  head: RunHead;
}

const root = '/api/v1/annotation-queues';
const path = (id: string) => `${root}/${segment(id)}`;

/** Runs and traces are called there by a UUID; that of OpenTelemetry is made of their digits. */
function ownIds(run: string, trace: string): { id: string; trace_id: string } {
  const digits = (id: string) => id.replace(/-/g, '');
  if (!run.startsWith('00000000-0000-0000-')) return { id: run, trace_id: trace };
  return { id: digits(run).slice(16), trace_id: digits(trace) };
}

const size = async (id: string, which: string, signal?: AbortSignal) =>
  (await call<{ size: number }>('GET', `${path(id)}/${which}`, undefined, signal)).size;

export const review = {
  queues: (signal?: AbortSignal) =>
    call<ReviewQueue[]>('GET', `${root}?limit=100`, undefined, signal),
  queue: (id: string, signal?: AbortSignal) =>
    call<ReviewQueue>('GET', path(id), undefined, signal),
  create: (wish: { name: string; description?: string; rubric_instructions?: string }) =>
    call<ReviewQueue>('POST', root, wish),
  remove: (id: string) => call<unknown>('DELETE', path(id)),
  sizes: async (id: string, signal?: AbortSignal): Promise<Sizes> => {
    const [waiting, done] = await Promise.all([
      size(id, 'size', signal),
      size(id, 'total_archived', signal),
    ]);
    return { waiting, done };
  },
  add: (id: string, runs: string[]) => call<unknown[]>('POST', `${path(id)}/runs`, runs),
  /** The first that waits; nothing: none does. Runs that were deleted meanwhile are passed over. */
  next: async (id: string, signal?: AbortSignal): Promise<Waiting | null> => {
    const queries = '?archived=false&limit=10';
    const runs = await call<any[]>('GET', `${path(id)}/runs${queries}`, undefined, signal);
    const run = runs[0];
    if (!run) return null;
    const own = ownIds(run.id, run.trace_id);
    const head = { ...own, name: run.name, status: run.status, end_time: run.end_time };
    return { item: run.queue_run_id, head: head as RunHead };
  },
  done: (item: string) =>
    call<unknown>('POST', `${root}/status/${segment(item)}`, { status: 'completed' }),
  /** To the end of the queue. */
  putOff: (id: string, item: string) =>
    call<unknown>('PATCH', `${path(id)}/runs/${segment(item)}`, {
      added_at: new Date().toISOString(),
    }),
};
