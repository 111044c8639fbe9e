import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from './api';

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  isLoading: boolean;
  reload: () => void;
}

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem(0, error instanceof Error ? error.message : String(error));

/** What `load` gives, anew whenever `key` changes; the old value stays until then. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Loaded<T> {
  const [state, setState] = useState<{
    key: string;
    value: T | null;
    problem: Problem | null;
    isLoading: boolean;
  }>({
    key,
    value: null,
    problem: null,
    isLoading: true,
  });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState((old) => ({
      ...old,
      key,
      value: old.key === key ? old.value : null,
      isLoading: true,
    }));
    load(stop.signal).then(
      (value) => stop.signal.aborted || setState({ key, value, problem: null, isLoading: false }),
      (error) =>
        stop.signal.aborted ||
        setState({ key, value: null, problem: asProblem(error), isLoading: false }),
    );
    return () => stop.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  return { value: state.value, problem: state.problem, isLoading: state.isLoading, reload };
}

/** A piece of state that the browser remembers. */
export function useStored(key: string, initial: string): [string, (value: string) => void] {
  const name = `slipway.${key}`;
  const [value, setValue] = useState(() => {
    try {
      return localStorage.getItem(name) ?? initial;
    } catch {
      return initial;
    }
  });
  const store = useCallback(
    (next: string) => {
      setValue(next);
      try {
        localStorage.setItem(name, next);
      } catch {
        // It then holds for this visit.
      }
    },
    [name],
  );
  return [value, store];
}

/** What single letters do, while nothing is written anywhere and no dialog is open. */
export function useLetters(actions: Record<string, () => unknown>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement | null;
      if (target?.closest('input, textarea, select, [contenteditable], dialog')) return;
      if (document.querySelector('dialog[open]')) return;
      actions[event.key]?.();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  });
}

/** The value after it has been still for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Slipway` : 'Slipway';
  }, [title]);
}

/** A signal that ends when the component does, or when a new one is taken. */
export function useStop(): { take: () => AbortSignal; stop: () => void } {
  const current = useRef<AbortController | null>(null);
  useEffect(() => () => current.current?.abort(), []);
  return {
    take: () => {
      current.current?.abort();
      current.current = new AbortController();
      return current.current.signal;
    },
    stop: () => current.current?.abort(),
  };
}
