// The runs of a trace as rows: flat, in the order of the tree. No recursion: trees may be thousands deep.
import type { RunNode, TraceTree } from '../trace_shapes';

export interface Row {
  run: RunNode;
  index: number; // Of all rows, also of those that are closed away.
  depth: number;
  parent: number; // Its index; -1: none.
  end: number; // The index behind its last descendant.
  start_ms: number; // Since the trace began.
  end_ms: number | null; // null: still running.
}

export interface Timeline {
  rows: Row[];
  length_ms: number;
}

/** RFC 3339 in milliseconds: whole ones, and the fraction of one that no number of that size could hold. */
interface Moment {
  whole: number;
  fraction: number;
}

function momentOf(text: string): Moment {
  const digits = /\.\d{3}(\d+)/.exec(text);
  return { whole: Date.parse(text), fraction: digits ? Number(`0.${digits[1]}`) : 0 };
}

/** Milliseconds from `a` to `b`. */
const between = (a: Moment, b: Moment): number => b.whole - a.whole + (b.fraction - a.fraction);

export function timeline(trace: TraceTree): Timeline {
  const rows: Row[] = [];
  const times: Moment[] = [];
  const open: { runs: RunNode[]; at: number; row: number }[] = [
    { runs: trace.roots, at: 0, row: -1 },
  ];
  while (open.length) {
    const level = open[open.length - 1]!;
    if (level.at === level.runs.length) {
      open.pop();
      if (level.row >= 0) rows[level.row]!.end = rows.length;
      continue;
    }
    const run = level.runs[level.at++]!;
    const index = rows.length;
    times.push(momentOf(run.start_time));
    rows.push({
      run,
      index,
      depth: open.length - 1,
      parent: level.row,
      end: 0,
      start_ms: 0,
      end_ms: 0,
    });
    open.push({ runs: run.children, at: 0, row: index });
  }
  let begin = times[0] ?? { whole: 0, fraction: 0 };
  for (const time of times) if (between(begin, time) < 0) begin = time;
  let length = 0;
  for (const row of rows) {
    row.start_ms = between(begin, times[row.index]!);
    row.end_ms = row.run.end_time === null ? null : row.start_ms + (row.run.latency_ms ?? 0);
    length = Math.max(length, row.end_ms ?? row.start_ms);
  }
  return { rows, length_ms: length || 1 };
}

/** The rows that are to be seen: nothing below a closed one. */
export function openRows(rows: Row[], closed: ReadonlySet<string>): Row[] {
  if (!closed.size) return rows;
  const seen: Row[] = [];
  for (let i = 0; i < rows.length;) {
    const row = rows[i]!;
    seen.push(row);
    i = closed.has(row.run.id) ? row.end : i + 1;
  }
  return seen;
}

/** The rows that fit, and those above them. */
export function foundRows(rows: Row[], fits: (row: Row) => boolean): Row[] {
  const kept = new Set<number>();
  for (const row of rows) {
    if (!fits(row)) continue;
    for (let at = row.index; at >= 0 && !kept.has(at); at = rows[at]!.parent) kept.add(at);
  }
  return rows.filter((row) => kept.has(row.index));
}
