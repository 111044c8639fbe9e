// One trace: its runs as a tree and in time, and beside it the run that was chosen.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { count, milliseconds, money, plural, short, time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import { observe, type TraceTree } from '../observe';
import { Confirm, CopyButton, Page, ProblemBox, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { KindMark, StatusMark, usePageQuery } from '../parts/marks';
import { RunDetail } from '../parts/run_detail';
import { foundRows, openRows, type Row, type Timeline, timeline } from '../parts/tree';
import { type Span, Waterfall } from '../parts/waterfall';
import { Link, navigate } from '../router';

function Head({ trace }: { trace: TraceTree }) {
  const link = (name: string, value: string) => (
    <Link href={`/traces?${name}=${encodeURIComponent(value)}`}>{value}</Link>
  );
  return (
    <div class="trace-head">
      <KindMark kind={trace.kind} />
      <StatusMark status={trace.status} />
      <span>{trace.latency_ms === null ? 'running' : milliseconds(trace.latency_ms)}</span>
      <span>
        {plural(trace.run_count, 'run')}
        {trace.error_count > 0 && <span class="bad">, {plural(trace.error_count, 'error')}</span>}
      </span>
      {trace.total_tokens > 0 && <span>{short(trace.total_tokens)} tokens</span>}
      {trace.cost_usd !== null && <span>{money(trace.cost_usd)}</span>}
      <span title={trace.start_time}>{time(trace.start_time)}</span>
      <span class="muted">
        project {link('project', trace.project)}
        {trace.user_id && <>, user {link('user_id', trace.user_id)}</>}
        {trace.session_id && (
          <>
            ,{' '}
            <Link href={`/traces?view=threads&session_id=${encodeURIComponent(trace.session_id)}`}>
              thread {trace.session_id}
            </Link>
          </>
        )}
      </span>
    </div>
  );
}

function Actions({ trace, name }: { trace: TraceTree; name: string }) {
  const [isRemoving, setRemoving] = useState(false);
  return (
    <div class="row">
      <CopyButton text={trace.id} label="Copy id" />
      <a
        class="button quiet small"
        href={observe.tracePath(trace.id)}
        download={`trace-${trace.id}.json`}
      >
        <Icon name="download" /> JSON
      </a>
      <button type="button" class="quiet small" onClick={() => setRemoving(true)}>
        <Icon name="trash" /> Delete
      </button>
      {isRemoving && (
        <Confirm
          title={`Delete ${name}?`}
          verb="Delete"
          onClose={() => setRemoving(false)}
          onConfirm={async () => {
            await observe.removeTrace(trace.id);
            navigate('/traces', 'replace');
          }}
        >
          All {plural(trace.run_count, 'run')} of it are gone from lists, search and costs.
        </Confirm>
      )}
    </div>
  );
}

/** What can be said of the whole while no run is chosen. */
function Overview({
  trace,
  rows,
  onSelect,
}: {
  trace: TraceTree;
  rows: Row[];
  onSelect: (row: Row) => void;
}) {
  const errors = useMemo(() => rows.filter((row) => row.run.status === 'error'), [rows]);
  const slowest = useMemo(() => {
    // What a run does itself, without what waits for its children.
    const own = rows.map((row) => row.run.latency_ms ?? 0);
    for (const row of rows) if (row.parent >= 0) own[row.parent]! -= row.run.latency_ms ?? 0;
    return rows
      .map((row, i) => ({ row, ms: own[i]! }))
      .filter(({ ms }) => ms > 0)
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 5);
  }, [rows]);
  const list = (title: string, items: { row: Row; note: string }[]) =>
    items.length > 0 && (
      <section aria-label={title}>
        <h3>{title}</h3>
        <ul class="overview-list">
          {items.map(({ row, note }) => (
            <li key={row.index}>
              <button type="button" class="link" onClick={() => onSelect(row)}>
                {row.run.name}
              </button>{' '}
              <span class="muted">{note}</span>
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <div class="run-detail overview">
      <p class="muted">Choose a run to see what went in and came out.</p>
      {trace.inputs_preview && (
        <section aria-label="First words of the inputs">
          <h3>Inputs</h3>
          <p class="preview whole">{trace.inputs_preview}</p>
        </section>
      )}
      {trace.outputs_preview && (
        <section aria-label="First words of the outputs">
          <h3>Outputs</h3>
          <p class="preview whole">{trace.outputs_preview}</p>
        </section>
      )}
      {list(
        `Errors${errors.length > 20 ? `, the first 20 of ${count(errors.length)}` : ''}`,
        errors.slice(0, 20).map((row) => ({ row, note: (row.run.error ?? '').slice(0, 160) })),
      )}
      {list(
        'Most time of their own',
        slowest.map(({ row, ms }) => ({ row, note: milliseconds(ms) })),
      )}
      {trace.models.length > 0 && <p class="muted">Models: {trace.models.join(', ')}</p>}
    </div>
  );
}

function useTree(line: Timeline, words: string, onlyErrors: boolean) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const isSearching = words !== '' || onlyErrors;
  const rows = useMemo(() => {
    if (!isSearching) return openRows(line.rows, closed);
    const small = words.toLowerCase();
    return foundRows(
      line.rows,
      ({ run }) =>
        (!onlyErrors || run.status === 'error') &&
        `${run.name}\n${run.kind}\n${run.model ?? ''}\n${run.id}`.toLowerCase().includes(small),
    );
  }, [line, closed, words, onlyErrors]);
  const toggle = (row: Row) => {
    const next = new Set(closed);
    if (!next.delete(row.run.id)) next.add(row.run.id);
    setClosed(next);
  };
  const closeAll = () =>
    setClosed(
      new Set(
        line.rows.filter((row) => row.depth > 0 && row.end > row.index + 1).map((r) => r.run.id),
      ),
    );
  return { rows, closed, toggle, closeAll, openAll: () => setClosed(new Set<string>()), setClosed };
}

function Body({ trace }: { trace: TraceTree }) {
  const page = usePageQuery();
  const line = useMemo(() => timeline(trace), [trace]);
  const whole = useMemo<Span>(() => ({ from: 0, to: line.length_ms }), [line]);
  const [span, setSpan] = useState<Span | null>(null);
  const [words, setWords] = useState('');
  const [onlyErrors, setOnlyErrors] = useState(false);
  const tree = useTree(line, words.trim(), onlyErrors);
  // Where there is no choice, the one run is shown.
  const only = line.rows.length === 1 ? line.rows[0]!.run.id : '';
  const [selected, setSelected] = useState(page.get('run') || only);
  const row = useMemo(() => line.rows.find((r) => r.run.id === selected), [line, selected]);
  const detail = useRef<HTMLDivElement>(null);
  // While keys run through rows only the last one is asked for.
  const [shown, setShown] = useState(row);
  useEffect(() => {
    const timer = setTimeout(() => setShown(row), shown ? 80 : 0);
    return () => clearTimeout(timer);
  }, [row]);
  useEffect(() => {
    const timer = setTimeout(() => page.set({ run: selected || null }, 'replace'), 200);
    return () => clearTimeout(timer);
  }, [selected]);
  const select = (next: Row) => {
    // What is closed away is opened on the way to it.
    const above: string[] = [];
    for (let at = next.parent; at >= 0; at = line.rows[at]!.parent)
      above.push(line.rows[at]!.run.id);
    if (above.some((id) => tree.closed.has(id)))
      tree.setClosed(new Set([...tree.closed].filter((id) => !above.includes(id))));
    setSelected(next.run.id);
  };
  const zoom = () =>
    setSpan(span || !row ? null : { from: row.start_ms, to: row.end_ms ?? line.length_ms });
  return (
    <div class={`trace-body ${shown ? 'has-detail' : ''}`}>
      <section aria-label="Runs of the trace" class="trace-tree">
        <div class="row tree-tools">
          <input
            type="search"
            aria-label="Find a run"
            placeholder="Find a run"
            data-shortcut="focus"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
          {trace.error_count > 0 && (
            <button
              type="button"
              class="quiet small"
              aria-pressed={onlyErrors}
              onClick={() => setOnlyErrors(!onlyErrors)}
            >
              Only errors
            </button>
          )}
          <button
            type="button"
            class="quiet small"
            onClick={tree.closed.size ? tree.openAll : tree.closeAll}
          >
            {tree.closed.size ? 'Open all' : 'Close all'}
          </button>
          <button
            type="button"
            class="quiet small"
            aria-pressed={span !== null}
            disabled={!row && !span}
            onClick={zoom}
          >
            {span ? 'Whole time' : 'Zoom to run'}
          </button>
        </div>
        <Waterfall
          id="run"
          timeline={line}
          rows={tree.rows}
          span={span ?? whole}
          selected={selected}
          closed={tree.closed}
          onSelect={select}
          onToggle={tree.toggle}
          onEnter={() => detail.current?.focus()}
        />
        {tree.rows.length === 0 && <p class="muted">No run fits.</p>}
      </section>
      <aside class="trace-detail" ref={detail} tabIndex={-1} aria-label="The chosen run">
        {shown ? (
          <RunDetail key={shown.run.id} head={shown.run} />
        ) : (
          <Overview trace={trace} rows={line.rows} onSelect={select} />
        )}
      </aside>
    </div>
  );
}

export function TracePage({ id }: { id: string }) {
  const trace = useLoaded((signal) => observe.trace(id, signal), `trace ${id}`);
  const name = trace.value?.name ?? (trace.value ? 'not yet named' : 'Trace');
  useTitle(name);
  // A trace that still grows is looked at again.
  const isOpen = trace.value?.status === 'pending';
  useEffect(() => {
    if (!isOpen) return;
    const timer = setInterval(() => !document.hidden && trace.reload(), 3000);
    return () => clearInterval(timer);
  }, [isOpen]);
  return (
    <Page
      title={name}
      isWide
      lead={<Link href="/traces">All traces</Link>}
      actions={trace.value && <Actions trace={trace.value} name={name} />}
    >
      <ProblemBox problem={trace.problem} retry={trace.reload} />
      {!trace.value && !trace.problem && <Waiting lines={10} />}
      {trace.value && (
        <>
          <Head trace={trace.value} />
          <Body trace={trace.value} />
        </>
      )}
    </Page>
  );
}
