// The list of traces: found, filtered, followed while they come. All of its state is in the address.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { count, milliseconds, money, percent, short, shortTime } from '../format';
import { useLoaded, useStored, useTitle } from '../hooks';
import { knownPaths, observe, type Stats, type TraceSummary } from '../observe';
import { AddToDataset } from '../parts/add_to_dataset';
import { Empty, Page, ProblemBox, Tabs, Waiting } from '../parts/common';
import { KindMark, selected, selectionNames, StatusMark, usePageQuery } from '../parts/marks';
import { Link, navigate } from '../router';
import { useTail } from './traces_tail';
import { Filters } from './traces_filters';
import { Threads } from './threads';

const views = [
  ['traces', 'Traces'],
  ['threads', 'Threads'],
] as const;

const sorts: Record<string, string> = {
  latency_ms: 'Latency',
  total_tokens: 'Tokens',
  cost_usd: 'Cost',
  start_time: 'Started',
};

function Summary({
  stats,
  live,
  children,
}: {
  stats: Stats | null;
  live: boolean;
  children: preact.ComponentChildren;
}) {
  const facts: [string, string][] = stats
    ? [
        ['errors', percent(stats.error_rate)],
        ['P50', stats.latency_ms.p50 === null ? '–' : milliseconds(stats.latency_ms.p50)],
        ['P95', stats.latency_ms.p95 === null ? '–' : milliseconds(stats.latency_ms.p95)],
        ['tokens', short(stats.input_tokens + stats.output_tokens)],
        ['cost', money(stats.cost_usd)],
      ]
    : [];
  return (
    <p class="trace-summary" role={live ? undefined : 'status'}>
      <strong>
        <span data-testid="trace-count">{stats ? String(stats.traces) : '…'}</span>{' '}
        {stats?.traces === 1 ? 'trace' : 'traces'}
      </strong>
      {facts.map(([name, value]) => (
        <span key={name}>
          <span class="muted">{name}</span> {value}
        </span>
      ))}
      {stats?.sampling && (
        <span
          class="muted"
          data-testid="sampling"
          title="Traces that failed or were slow may be kept beside the share: traces.sampling in slipway.yaml"
        >
          {percent(stats.sampling.rate)} are kept, {short(stats.sampling.left_out_traces)} left out so
          far
        </span>
      )}
      {children}
    </p>
  );
}

function SortHead({
  name,
  sort,
  onSort,
}: {
  name: string;
  sort: string;
  onSort: (s: string) => void;
}) {
  const isDown = sort === `-${name}`;
  const isOn = isDown || sort === name;
  return (
    <th
      scope="col"
      class={`number ${name === 'latency_ms' ? '' : 'wide-only'}`}
      aria-sort={isOn ? (isDown ? 'descending' : 'ascending') : undefined}
    >
      <button type="button" class="sort" onClick={() => onSort(isDown ? name : `-${name}`)}>
        {sorts[name]}
        <span aria-hidden="true">{isOn ? (isDown ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}

function TraceRow({ item, isNew }: { item: TraceSummary; isNew: boolean }) {
  const href = `/traces/${encodeURIComponent(item.id)}`;
  const open = (event: MouseEvent) => {
    // The link inside does its own; a text that is being marked is no click.
    if ((event.target as Element).closest('a, button') || getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey) window.open(href, '_blank', 'noopener');
    else navigate(href);
  };
  return (
    <tr
      class={`trace-row ${isNew ? 'is-new' : ''} ${item.status === 'error' ? 'is-error' : ''}`}
      data-testid="trace-row"
      data-trace-id={item.id}
      data-latency-ms={item.latency_ms ?? ''}
      data-status={item.status}
      onClick={open}
    >
      <td>
        <div class="trace-name">
          <KindMark kind={item.kind} />
          <Link href={href}>{item.name ?? 'not yet named'}</Link>
          {item.status !== 'ok' && <StatusMark status={item.status} />}
          {item.status === 'ok' && item.error_count > 0 && (
            <span class="state stale">{count(item.error_count)} within</span>
          )}
        </div>
        <p class="preview">
          {item.status === 'error' && item.error ? (
            <span class="bad">{item.error.slice(0, 300)}</span>
          ) : (
            item.inputs_preview || item.outputs_preview
          )}
        </p>
        <p class="muted small-facts">
          {[item.project, item.user_id, item.models.slice(0, 2).join(', ')]
            .filter(Boolean)
            .join(' · ')}
          <span class="narrow-only">
            {item.total_tokens > 0 && ` · ${short(item.total_tokens)} tokens`}
            {item.cost_usd !== null && ` · ${money(item.cost_usd)}`}
            {` · ${shortTime(item.start_time)}`}
          </span>
        </p>
      </td>
      <td class="number">{item.latency_ms === null ? '–' : milliseconds(item.latency_ms)}</td>
      <td class="number wide-only">{item.total_tokens ? short(item.total_tokens) : '–'}</td>
      <td class="number wide-only">{money(item.cost_usd)}</td>
      <td class="number wide-only">
        <time dateTime={item.start_time} title={item.start_time}>
          {shortTime(item.start_time)}
        </time>
      </td>
      <td class="number wide-only">{count(item.run_count)}</td>
    </tr>
  );
}

function List({
  tail,
  sort,
  onSort,
}: {
  tail: ReturnType<typeof useTail>;
  sort: string;
  onSort: (sort: string) => void;
}) {
  return (
    <>
      <div class="table traces">
        <table>
          <caption class="hidden">Traces</caption>
          <thead>
            <tr>
              <th scope="col">Trace</th>
              {['latency_ms', 'total_tokens', 'cost_usd', 'start_time'].map((name) => (
                <SortHead key={name} name={name} sort={sort} onSort={onSort} />
              ))}
              <th scope="col" class="number wide-only">
                Runs
              </th>
            </tr>
          </thead>
          <tbody>
            {tail.items.map((item) => (
              <TraceRow key={item.id} item={item} isNew={tail.fresh.has(item.id)} />
            ))}
          </tbody>
        </table>
      </div>
      {tail.hasMore && (
        <div class="row more">
          <button type="button" class="quiet" disabled={tail.isLoading} onClick={tail.more}>
            {tail.isLoading ? 'Loading' : 'Show more'}
          </button>
        </div>
      )}
    </>
  );
}

function Nothing({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  if (isFiltered)
    return (
      <Empty
        icon="search"
        title="No trace fits"
        action={
          <button type="button" class="quiet" onClick={onClear}>
            Clear the filters
          </button>
        }
      >
        Text that came just now can be searched within two seconds.
      </Empty>
    );
  return (
    <Empty icon="traces" title="No traces yet">
      Point an OpenTelemetry exporter at <code>{location.origin}/otlp</code>, or the LangSmith
      client at <code>{location.origin}/langsmith</code>: what it sends appears here at once.
    </Empty>
  );
}

export function TracesPage() {
  useTitle('Traces');
  const page = usePageQuery();
  const queries = useMemo(() => selected(page.query, selectionNames), [page.query.toString()]);
  const sort = page.get('sort') || '-start_time';
  const view = page.get('view') === 'threads' ? 'threads' : 'traces';
  const [liveStored, storeLive] = useStored('live', 'on');
  const isLive = (page.get('live') || liveStored) !== 'off';
  const tail = useTail(queries, sort, isLive && view === 'traces', view === 'traces');
  const projects = useLoaded((signal) => observe.projects(signal), 'projects');
  const [clears, setClears] = useState(0);
  const clear = () => {
    page.set(Object.fromEntries([...selectionNames, 'sort'].map((name) => [name, null])));
    setClears((n) => n + 1);
  };
  const setLive = (on: boolean) => {
    storeLive(on ? 'on' : 'off');
    page.set({ live: null }, 'replace');
  };
  useEffect(() => {
    if (tail.items.length && !projects.value?.length && !projects.isLoading) projects.reload();
  }, [tail.items.length > 0]);
  const isFiltered = Object.keys(queries).length > 0;
  const [mayCollect, setMayCollect] = useState(false);
  const [isCollecting, setCollecting] = useState(false);
  useEffect(() => {
    if (isFiltered)
      void knownPaths().then((paths) =>
        setMayCollect(paths.has('/api/datasets/{name}/from-traces')),
      );
  }, [isFiltered]);
  return (
    <Page
      title="Traces"
      lead="Every call, retrieval and tool: what went in, what came out, what it took."
      isWide
      actions={
        <label class="check live">
          <input
            type="checkbox"
            role="switch"
            checked={isLive}
            onChange={(event) => setLive(event.currentTarget.checked)}
          />{' '}
          Live
        </label>
      }
    >
      <Filters key={clears} page={page} projects={projects.value ?? []} onClear={clear} />
      <Tabs
        label="View"
        value={view}
        options={views}
        onChange={(next) => page.set({ view: next === 'threads' ? next : null })}
      />
      {view === 'threads' ? (
        <Threads queries={queries} />
      ) : (
        <section aria-label="Traces" class="stack tight">
          <Summary stats={tail.stats} live={isLive}>
            {!!tail.stats?.traces && (
              <a href={observe.exportPath({ ...queries, sort, limit: 100_000 })} download>
                Export
              </a>
            )}
            {isFiltered && mayCollect && !!tail.stats?.traces && (
              <button type="button" class="link" onClick={() => setCollecting(true)}>
                Add them to a dataset
              </button>
            )}
          </Summary>
          {isCollecting && (
            <AddToDataset
              what={{ queries, total: tail.stats?.traces ?? 0 }}
              onClose={() => setCollecting(false)}
            />
          )}
          <ProblemBox problem={tail.problem} retry={tail.reload} />
          {tail.isFirst && (
            <div class="late">
              <Waiting lines={8} />
            </div>
          )}
          {!tail.isFirst && !tail.problem && tail.items.length === 0 && (
            <Nothing isFiltered={isFiltered} onClear={clear} />
          )}
          {tail.items.length > 0 && (
            <List
              tail={tail}
              sort={sort}
              onSort={(next) => page.set({ sort: next === '-start_time' ? null : next })}
            />
          )}
        </section>
      )}
      <p class="hidden" role="log" aria-live="polite">
        {tail.fresh.size > 0 ? `${tail.fresh.size} new` : ''}
      </p>
    </Page>
  );
}
