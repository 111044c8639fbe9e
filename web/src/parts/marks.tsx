// What lists and trees of runs share: marks of kind and state, the state of a page in its address.
import { useCallback } from 'preact/hooks';
import type { Status } from '../trace_shapes';
import { navigate, useAddress } from '../router';

const kindColours: Record<string, number> = {
  llm: 0,
  tool: 1,
  retriever: 2,
  reranker: 2,
  embedding: 2,
  agent: 3,
  chain: 3,
  prompt: 4,
  parser: 4,
  guardrail: 4,
  evaluator: 4,
};
export const kinds = [...Object.keys(kindColours), 'span'];

/** The class with the colour of a kind, as `--part`. */
export const kindClass = (kind: string): string =>
  kind in kindColours ? `part-${kindColours[kind]}` : 'part-none';

export function KindMark({ kind }: { kind: string }) {
  return <span class={`kind ${kindClass(kind)}`}>{kind}</span>;
}

const statusNames: Record<Status, string> = { ok: 'ok', error: 'error', pending: 'running' };

export function StatusMark({ status }: { status: Status }) {
  const look = { ok: 'valid', error: 'gone', pending: 'stale' }[status];
  return <span class={`state ${look ?? ''}`}>{statusNames[status] ?? status}</span>;
}

export interface PageQuery {
  query: URLSearchParams;
  /** What a name has; empty when it is not there. */
  get: (name: string) => string;
  /** Changes some names; null and '' take one away. */
  set: (changes: Record<string, string | null>, how?: 'push' | 'replace') => void;
  /** All of it: also what stands there more than once. */
  replaceAll: (query: URLSearchParams) => void;
}

export function usePageQuery(): PageQuery {
  const { path, query } = useAddress();
  const text = query.toString();
  const set = useCallback(
    (changes: Record<string, string | null>, how: 'push' | 'replace' = 'push') => {
      const next = new URLSearchParams(text);
      for (const [name, value] of Object.entries(changes))
        if (value) next.set(name, value);
        else next.delete(name);
      const rest = next.toString();
      if (rest !== text) navigate(rest ? `${path}?${rest}` : path, how);
    },
    [path, text],
  );
  const replaceAll = (next: URLSearchParams) => navigate(`${path}?${next.toString()}`);
  return { query, get: (name) => query.get(name) ?? '', set, replaceAll };
}

/** The names of lists that are in `query`. */
export function selected(query: URLSearchParams, names: readonly string[]): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of names) {
    const value = query.get(name);
    if (value) all[name] = value;
  }
  return all;
}

/** What a list of traces or runs can be asked for, besides order and paging. */
export const selectionNames = [
  'project',
  'status',
  'kind',
  'name',
  'model',
  'session_id',
  'user_id',
  'key',
  'prompt',
  'tag',
  'from',
  'to',
  'min_latency_ms',
  'max_latency_ms',
  'q',
  'filter',
] as const;

const periods = [
  ['', 'Any time'],
  ['1', 'Last hour'],
  ['24', 'Last day'],
  ['168', 'Last 7 days'],
  ['720', 'Last 30 days'],
] as const;

const hour = 3_600_000;

/** Chooses `from`: some hours ago. What else stands in the address is shown as it is. */
export function PeriodPicker({
  id,
  value,
  onChange,
}: {
  id?: string;
  value: string;
  onChange: (from: string) => void;
}) {
  const ago = value ? Date.now() - Date.parse(value) : 0;
  const known = periods.find(
    ([hours]) => hours && Math.abs(ago - Number(hours) * hour) < Math.min(hour / 4, ago / 10),
  );
  return (
    <select
      id={id}
      value={value ? (known?.[0] ?? 'own') : ''}
      onChange={(event) => {
        const hours = Number(event.currentTarget.value);
        onChange(hours ? new Date(Date.now() - hours * hour).toISOString() : '');
      }}
    >
      {periods.map(([hours, name]) => (
        <option key={hours} value={hours}>
          {name}
        </option>
      ))}
      {value && !known && <option value="own">Since {new Date(value).toLocaleString()}</option>}
    </select>
  );
}
