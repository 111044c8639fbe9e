// The runs of a trace as a tree beside their bars in time. What is out of sight has rows without content, so that
// thousands open at once and the tree is whole to those who read it by a program; of very many, no rows at all.
import { memo } from './memo';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { milliseconds, plural } from '../format';
import { kindClass } from './marks';
import type { Row, Timeline } from './tree';

export const rowHeight = 28; // Pixels, as in style/traces.css.
const blockRows = 50;
const wholeRowsMax = 20_000; // With more runs, blocks out of sight are empty.
const indentsMax = 16;

export interface Span {
  from: number; // Milliseconds since the trace began.
  to: number;
}

function barStyle(row: Row, span: Span, length: number): { left: string; width: string } {
  const whole = span.to - span.from || 1;
  const end = row.end_ms ?? length;
  const left = Math.min(Math.max(row.start_ms, span.from), span.to);
  const right = Math.min(Math.max(end, span.from), span.to);
  const percent = (ms: number) => `${((ms / whole) * 100).toFixed(4)}%`;
  return { left: percent(left - span.from), width: percent(right - left) };
}

interface Look {
  span: Span;
  length: number;
  selected: string;
  closed: ReadonlySet<string>;
  id: string; // Of the tree: rows have ids below it.
}

/** Where a bar ends so that its time has room behind it, also on a phone; in parts of 100. */
const room = 64;

function RowContent({ row, look }: { row: Row; look: Look }) {
  const { run } = row;
  const style = barStyle(row, look.span, look.length);
  const isOut = (row.end_ms ?? look.length) < look.span.from || row.start_ms > look.span.to;
  const hasChildren = row.end > row.index + 1;
  const label = run.latency_ms === null ? 'running' : milliseconds(run.latency_ms);
  // The time stands where there is room: behind the bar, before it, or on it.
  const left = parseFloat(style.left);
  const right = left + parseFloat(style.width);
  const place = right < room ? 'behind' : left > 100 - room ? 'before' : 'on';
  const at =
    place === 'behind'
      ? { left: `${right}%` }
      : { right: `${100 - (place === 'on' ? right : left)}%` };
  return (
    <>
      <span class="run-label" style={{ '--depth': String(Math.min(row.depth, indentsMax)) }}>
        <span
          class={`twist ${hasChildren ? '' : 'none'} ${look.closed.has(run.id) ? 'closed' : ''}`}
          data-twist=""
          aria-hidden="true"
        />
        <span class={`kind-dot ${kindClass(run.kind)}`} title={run.kind} />
        <span class="run-name">{run.name}</span>
        <span class="hidden">, {run.kind}, </span>
        {run.status === 'error' && <span class="run-error">error</span>}
        {look.closed.has(run.id) && <span class="muted">+{row.end - row.index - 1}</span>}
      </span>
      <span class="run-lane">
        <span
          class={`run-bar ${kindClass(run.kind)} ${run.status} ${isOut ? 'out' : ''}`}
          data-testid="run-bar"
          style={style}
        />
        {!isOut && (
          <span class={`run-time ${place}`} style={at}>
            {label}
          </span>
        )}
      </span>
    </>
  );
}

function RunRow({ row, look, isNear }: { row: Row; look: Look; isNear: boolean }) {
  const { run } = row;
  return (
    <div
      class={`run-row ${run.id === look.selected ? 'selected' : ''}`}
      role="treeitem"
      id={`${look.id}-${row.index}`}
      data-testid="run-row"
      data-run-id={run.id}
      data-depth={row.depth}
      data-status={run.status}
      data-index={row.index}
      aria-level={row.depth + 1}
      aria-selected={run.id === look.selected}
      aria-expanded={row.end > row.index + 1 ? !look.closed.has(run.id) : undefined}
    >
      {isNear ? <RowContent row={row} look={look} /> : run.name}
    </div>
  );
}

type BlockProps = { rows: Row[]; look: Look; isNear: boolean; isFilled: boolean; selected: string };

/** `selected` is the row's of this block only, so that other blocks need not be drawn anew. */
const Block = memo(function Block({ rows, look, isNear, isFilled }: BlockProps) {
  return (
    <div class="run-block" role="none" style={{ height: `${rows.length * rowHeight}px` }}>
      {isFilled &&
        rows.map((row) => <RunRow key={row.run.id} row={row} look={look} isNear={isNear} />)}
    </div>
  );
});

function Ruler({ span }: { span: Span }) {
  const whole = span.to - span.from;
  return (
    <div class="ruler" aria-hidden="true">
      {[0, 1 / 3, 2 / 3, 1].map((share) => (
        <span key={share} style={{ left: `${share * 100}%` }}>
          {span.from + whole * share === 0 ? '0' : milliseconds(span.from + whole * share)}
        </span>
      ))}
    </div>
  );
}

/** Which blocks are in sight or nearly so. */
function useSight(blocks: number, isShown: boolean) {
  const scroller = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState<[number, number]>([0, 2]);
  const look = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const size = blockRows * rowHeight;
    const first = Math.floor((element.scrollTop - size / 2) / size);
    const last = Math.floor((element.scrollTop + element.clientHeight + size / 2) / size);
    const next: [number, number] = [Math.max(0, first), Math.min(blocks - 1, last)];
    setRange((old) => (old[0] === next[0] && old[1] === next[1] ? old : next));
  }, [blocks]);
  useLayoutEffect(look, [blocks, isShown]);
  useEffect(() => {
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, [look]);
  return { scroller, range, look };
}

type Props = {
  id: string;
  timeline: Timeline;
  rows: Row[]; // Those that are open.
  span: Span;
  selected: string;
  closed: ReadonlySet<string>;
  onSelect: (row: Row) => void;
  onToggle: (row: Row) => void;
  onEnter: () => void;
};

/** The row that a key leads to; null where it only opens or closes. */
function nextRow(key: string, at: number, rows: Row[], page: number): number | null {
  const clamp = (to: number) => Math.max(0, Math.min(rows.length - 1, to));
  switch (key) {
    case 'ArrowDown':
      return clamp(at + 1);
    case 'ArrowUp':
      return clamp(at < 0 ? 0 : at - 1);
    case 'PageDown':
      return clamp(at + page);
    case 'PageUp':
      return clamp(at - page);
    case 'Home':
      return 0;
    case 'End':
      return rows.length - 1;
  }
  return null;
}

export function Waterfall(props: Props) {
  const { timeline, rows, span, selected, closed, id } = props;
  const blocks = useMemo(() => {
    const all: Row[][] = [];
    for (let at = 0; at < rows.length; at += blockRows) all.push(rows.slice(at, at + blockRows));
    return all;
  }, [rows]);
  const { scroller, range, look: lookAround } = useSight(blocks.length, true);
  // The first paint has what is in sight; the rest follows at once.
  const [isRestThere, setRestThere] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setRestThere(true), 0);
    return () => clearTimeout(timer);
  }, []);
  const at = useMemo(() => rows.findIndex((row) => row.run.id === selected), [rows, selected]);
  const look = (isHere: boolean): Look => ({
    span,
    length: timeline.length_ms,
    selected: isHere ? selected : '',
    closed,
    id,
  });
  const shared = useMemo(() => look(false), [span, timeline, closed, id]);
  const own = useMemo(() => look(true), [span, timeline, closed, id, selected]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || at < 0) return;
    const top = at * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + 2 * rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + 2 * rowHeight - element.clientHeight; // One is the head's.
    lookAround();
  }, [at]);

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.floor((scroller.current?.clientHeight ?? 300) / rowHeight) - 1;
    const row = rows[at];
    const to = nextRow(event.key, at, rows, page);
    if (to !== null && rows[to]) props.onSelect(rows[to]);
    else if (event.key === 'ArrowLeft' && row) {
      if (row.end > row.index + 1 && !closed.has(row.run.id)) props.onToggle(row);
      else if (row.parent >= 0) props.onSelect(timeline.rows[row.parent]!);
    } else if (event.key === 'ArrowRight' && row) {
      if (closed.has(row.run.id)) props.onToggle(row);
      else if (row.end > row.index + 1 && rows[at + 1]) props.onSelect(rows[at + 1]!);
    } else if (event.key === 'Enter' && row) props.onEnter();
    else return;
    event.preventDefault();
  };
  const click = (event: MouseEvent) => {
    const target = event.target as Element;
    const index = target.closest<HTMLElement>('[data-index]')?.dataset.index;
    const row = index === undefined ? undefined : timeline.rows[Number(index)];
    if (!row) return;
    if (target.closest('[data-twist]') && row.end > row.index + 1) props.onToggle(row);
    else props.onSelect(row);
  };
  const isWhole = rows.length <= wholeRowsMax && isRestThere;
  return (
    <div class="waterfall" data-testid="waterfall" ref={scroller} onScroll={lookAround}>
      <div class="waterfall-head">
        <span class="muted">{plural(timeline.rows.length, 'run')}</span>
        <Ruler span={span} />
      </div>
      <div
        class="waterfall-rows"
        role="tree"
        tabIndex={0}
        aria-label="Runs"
        aria-activedescendant={at >= 0 ? `${id}-${rows[at]!.index}` : undefined}
        onKeyDown={press}
        onClick={click}
      >
        {blocks.map((block, i) => {
          const isNear = i >= range[0] && i <= range[1];
          const isHere = at >= i * blockRows && at < (i + 1) * blockRows;
          return (
            <Block
              key={i}
              rows={block}
              look={isHere ? own : shared}
              isNear={isNear}
              isFilled={isNear || isWhole}
              selected={isHere ? selected : ''}
            />
          );
        })}
      </div>
    </div>
  );
}
