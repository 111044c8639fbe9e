// A list that comes page by page.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { List, Problem } from '../api';
import { asProblem } from '../hooks';

export interface More<T> {
  items: T[];
  problem: Problem | null;
  isFirst: boolean; // Nothing has come yet.
  isLoading: boolean;
  hasMore: boolean;
  more: () => void;
  reload: () => void;
}

/** What `load` gives, from its beginning whenever `key` changes. */
export function useMore<T>(
  load: (cursor: string, signal: AbortSignal) => Promise<List<T>>,
  key: string,
): More<T> {
  const [items, setItems] = useState<T[]>([]);
  const [cursor, setCursor] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isFirst, setFirst] = useState(true);
  const [isLoading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const stop = useRef<AbortController | null>(null);
  const fetchFrom = (from: string) => {
    stop.current?.abort();
    const own = new AbortController();
    stop.current = own;
    setLoading(true);
    load(from, own.signal).then(
      (list) => {
        if (own.signal.aborted) return;
        setItems((old) => (from ? [...old, ...list.items] : list.items));
        setCursor(list.next_cursor ?? '');
        setProblem(null);
        setFirst(false);
        setLoading(false);
      },
      (error) => {
        if (own.signal.aborted) return;
        setProblem(asProblem(error));
        setFirst(false);
        setLoading(false);
      },
    );
  };
  useEffect(() => {
    fetchFrom('');
    return () => stop.current?.abort();
  }, [key, round]);
  return {
    items,
    problem,
    isFirst,
    isLoading,
    hasMore: cursor !== '',
    more: () => fetchFrom(cursor),
    reload: () => setRound((n) => n + 1),
  };
}
