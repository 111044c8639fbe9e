// A list that is read page by page and, while it is live, from its head again and again.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { List, Problem } from '../api';
import { asProblem, useStop } from '../hooks';
import { observe, type Queries, type Stats, type TraceSummary } from '../observe';

const pageSize = 50;
const itemsMax = 2000; // With more, a live list begins anew at its head.
const pauseMs = 1500; // Between two looks; longer when the server takes long.
const patience = 8; // A look may take this part of the time at most.

export interface Tail {
  items: TraceSummary[];
  fresh: Set<string>; // That came while one looked.
  stats: Stats | null;
  problem: Problem | null;
  hasMore: boolean;
  isLoading: boolean;
  isFirst: boolean; // Nothing is known yet.
  more: () => void;
  reload: () => void;
}

interface State {
  key: string;
  items: TraceSummary[];
  fresh: Set<string>;
  cursor: string | null;
  isFirst: boolean;
}

const nothing = (key: string): State => ({
  key,
  items: [],
  fresh: new Set(),
  cursor: null,
  isFirst: true,
});

/** What stands at the head now, before what was there and still may be. */
function merge(old: State, list: List<TraceSummary>, isNewestFirst: boolean): State {
  const head = list.items;
  const known = new Set(old.items.map((item) => item.id));
  const isFresh = (item: TraceSummary) => !known.has(item.id) || old.fresh.has(item.id);
  const fresh = new Set(head.filter(isFresh).map((item) => item.id));
  const restart = { ...old, fresh, items: head, cursor: list.next_cursor ?? null };
  if (old.items.length <= pageSize) return restart;
  if (!isNewestFirst) return old; // New ones may stand anywhere between.
  // A whole page of new ones has a gap behind it that nobody read.
  if (!head.some((item) => known.has(item.id)) || old.items.length > itemsMax) return restart;
  const ids = new Set(head.map((item) => item.id));
  const last = head.at(-1)!.start_time;
  // What is younger than the head's end and not in it was deleted.
  const rest = old.items.filter((item) => !ids.has(item.id) && item.start_time <= last);
  return { ...old, fresh, items: [...head, ...rest] };
}

/** Calls `look` at once and then again and again, never while the page is hidden. */
function useRepeated(
  isOn: boolean,
  isRepeated: boolean,
  key: string,
  look: (signal: AbortSignal, isFirst: boolean) => Promise<void>,
): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    if (!isOn) return;
    const stop = new AbortController();
    let timer = 0;
    const round = async (isFirst: boolean) => {
      const began = performance.now();
      if (isFirst || !document.hidden) await latest.current(stop.signal, isFirst);
      if (stop.signal.aborted || !isRepeated) return;
      const pause = Math.max(pauseMs, (performance.now() - began) * patience);
      timer = window.setTimeout(() => void round(false), pause);
    };
    void round(true);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [isOn, isRepeated, key]);
}

export function useTail(queries: Queries, sort: string, isLive: boolean, isOn: boolean): Tail {
  const [round, setRound] = useState(0);
  const key = JSON.stringify([queries, sort, round]);
  const [state, setState] = useState<State>(() => nothing(key));
  const [stats, setStats] = useState<{ key: string; value: Stats } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLoading, setLoading] = useState(false);
  const stop = useStop();
  const isNewestFirst = sort === '-start_time';
  const ask = { ...queries, sort, limit: pageSize };

  useRepeated(isOn, isLive, key, async (signal, isFirst) => {
    try {
      const list = await observe.traces(ask, signal);
      if (signal.aborted) return;
      setProblem(null);
      setState((old) => {
        if (old.key === key && !old.isFirst) return merge(old, list, isNewestFirst);
        const next = nothing(key);
        return { ...next, items: list.items, cursor: list.next_cursor ?? null, isFirst: false };
      });
    } catch (error) {
      if (signal.aborted) return;
      setProblem(asProblem(error));
      if (isFirst) setState({ ...nothing(key), isFirst: false });
    }
  });
  useRepeated(isOn, isLive, key, async (signal) => {
    try {
      const found = await observe.stats(queries, signal);
      if (!signal.aborted) setStats({ key, value: found });
    } catch {
      if (!signal.aborted) setStats(null); // The list tells what is wrong.
    }
  });

  const more = async () => {
    if (!state.cursor || isLoading) return;
    const signal = stop.take();
    setLoading(true);
    try {
      const list = await observe.traces({ ...ask, cursor: state.cursor }, signal);
      setState((old) => {
        if (old.key !== key) return old;
        const known = new Set(old.items.map((item) => item.id));
        const items = [...old.items, ...list.items.filter((item) => !known.has(item.id))];
        return { ...old, items, cursor: list.next_cursor ?? null };
      });
    } catch (error) {
      if (!signal.aborted) setProblem(asProblem(error));
    }
    setLoading(false);
  };
  // What was found for another question is never shown as the answer to this one.
  const isCurrent = state.key === key;
  return {
    items: isCurrent ? state.items : [],
    fresh: state.fresh,
    stats: stats?.key === key ? stats.value : null,
    problem: isCurrent ? problem : null,
    hasMore: isCurrent && state.cursor !== null,
    isLoading,
    isFirst: !isCurrent || (state.isFirst && !problem),
    more: () => void more(),
    reload: () => setRound((n) => n + 1),
  };
}
