// What calls cost and how they fare: sums by what one chooses, and over time. All of its state is in the address.
import { useMemo } from 'preact/hooks';
import { count, milliseconds, money, percent, short } from '../format';
import { useLoaded, useTitle } from '../hooks';
import {
  type CostGroup,
  type Costs,
  type Grouping,
  groupings,
  observe,
  type Queries,
  type Stats,
} from '../observe';
import { bucketName, filled } from '../parts/buckets';
import { Chart } from '../parts/chart';
import { Choice, Empty, Page, ProblemBox, Waiting } from '../parts/common';
import { selected, usePageQuery, type PageQuery } from '../parts/marks';
import { KindField, ProjectField, SinceField } from '../parts/selection_fields';
import { Link } from '../router';

const names = [
  'project',
  'model',
  'user_id',
  'session_id',
  'key',
  'prompt',
  'kind',
  'tag',
  'status',
  'from',
  'to',
  'q',
  'filter',
];

const groupingNames: Record<Grouping, string> = {
  model: 'Model',
  project: 'Project',
  user: 'User',
  session: 'Session',
  key: 'API key',
  prompt: 'Prompt version',
  kind: 'Kind',
  day: 'Day',
  hour: 'Hour',
};

/** What the list of traces is asked for to see what a group holds. */
function tracesOf(by: Grouping, key: string, queries: Queries): string {
  const own: Record<Grouping, Record<string, string>> = {
    model: { model: key },
    project: { project: key },
    user: { user_id: key },
    session: { session_id: key },
    key: { key },
    prompt: { prompt: key },
    kind: { kind: key },
    day: spanOf(key, 24),
    hour: spanOf(key, 1),
  };
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...queries, ...own[by] }))
    if (value) all.set(name, String(value));
  return `/traces?${all}`;
}

function spanOf(key: string, hours: number): Record<string, string> {
  const from = Date.parse(key.length === 10 ? `${key}T00:00:00Z` : key);
  if (Number.isNaN(from)) return {};
  return {
    from: new Date(from).toISOString(),
    to: new Date(from + hours * 3_600_000).toISOString(),
  };
}

function Group({
  group,
  by,
  most,
  total,
  queries,
}: {
  group: CostGroup;
  by: Grouping;
  most: number;
  total: number;
  queries: Queries;
}) {
  const isTime = by === 'day' || by === 'hour';
  const name = group.key ? (isTime ? bucketName(group.key) : group.key) : 'none named';
  return (
    <tr data-testid="cost-group" data-key={group.key} data-usd={group.cost_usd}>
      <td>
        {group.key ? (
          <Link href={tracesOf(by, group.key, queries)}>{name}</Link>
        ) : (
          <span class="muted">{name}</span>
        )}
        <meter
          class="share"
          min={0}
          max={1}
          value={most > 0 ? group.cost_usd / most : 0}
          aria-label={`${name} beside the dearest`}
        />
      </td>
      <td class="number">{money(group.cost_usd)}</td>
      <td class="number wide-only">{total > 0 ? percent(group.cost_usd / total) : '–'}</td>
      <td class="number">{count(group.runs)}</td>
      <td class="number wide-only">{short(group.input_tokens)}</td>
      <td class="number wide-only">{short(group.output_tokens)}</td>
      <td class="number wide-only">{short(group.cache_read_tokens)}</td>
    </tr>
  );
}

function Groups({ costs, by, queries }: { costs: Costs; by: Grouping; queries: Queries }) {
  const isTime = by === 'day' || by === 'hour';
  const groups = useMemo(
    () => (isTime ? [...costs.groups].sort((a, b) => (a.key < b.key ? 1 : -1)) : costs.groups),
    [costs, by],
  );
  const most = Math.max(0, ...groups.slice(0, 5000).map((group) => group.cost_usd));
  return (
    <div class="table traces">
      <table>
        <caption class="hidden">Cost by {groupingNames[by]}</caption>
        <thead>
          <tr>
            <th scope="col">{groupingNames[by]}</th>
            <th scope="col" class="number">
              Cost
            </th>
            <th scope="col" class="number wide-only">
              Share
            </th>
            <th scope="col" class="number">
              Runs
            </th>
            <th scope="col" class="number wide-only">
              Input
            </th>
            <th scope="col" class="number wide-only">
              Output
            </th>
            <th scope="col" class="number wide-only">
              From cache
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.slice(0, 500).map((group) => (
            <Group
              key={group.key}
              group={group}
              by={by}
              most={most}
              total={costs.total_usd}
              queries={queries}
            />
          ))}
        </tbody>
      </table>
      {groups.length > 500 && (
        <p class="note table-note">The first 500 of {count(groups.length)} are shown.</p>
      )}
    </div>
  );
}

function Totals({ costs }: { costs: Costs }) {
  const sum = (pick: (group: CostGroup) => number) =>
    costs.groups.reduce((all, group) => all + pick(group), 0);
  const tokens = sum((group) => group.input_tokens + group.output_tokens);
  return (
    <dl class="totals">
      <div class="card">
        <dt>Cost</dt>
        <dd data-testid="cost-total" data-usd={costs.total_usd}>
          {money(costs.total_usd)}
        </dd>
      </div>
      <div class="card">
        <dt>Runs of models</dt>
        <dd>{count(sum((group) => group.runs))}</dd>
      </div>
      <div class="card">
        <dt>Tokens</dt>
        <dd>{short(tokens)}</dd>
      </div>
      <div class="card">
        <dt>Of them without a price</dt>
        <dd class={costs.unpriced_runs ? 'warn-number' : ''}>{count(costs.unpriced_runs)}</dd>
      </div>
    </dl>
  );
}

function CostChart({ costs, by }: { costs: Costs; by: 'day' | 'hour' }) {
  const keys = filled(
    costs.groups.map((group) => group.key),
    by,
  );
  const values = new Map(costs.groups.map((group) => [group.key, group.cost_usd]));
  if (!keys.length) return null;
  return (
    <Chart
      title={`Cost by ${by}`}
      kind="bars"
      buckets={keys.map(bucketName)}
      series={[{ name: 'cost', colour: 0, values: keys.map((key) => values.get(key) ?? 0) }]}
      show={money}
    />
  );
}

function Health({ stats, by }: { stats: Stats; by: 'day' | 'hour' }) {
  const rows = new Map((stats.groups ?? []).map((row) => [row.key, row]));
  const keys = filled([...rows.keys()], by);
  if (!keys.length) return null;
  const buckets = keys.map(bucketName);
  const of = <T,>(pick: (row: NonNullable<ReturnType<typeof rows.get>>) => T, none: T): T[] =>
    keys.map((key) => {
      const row = rows.get(key);
      return row ? pick(row) : none;
    });
  const percentile = (name: 'p50' | 'p95' | 'p99') => of((row) => row.latency_ms[name], null);
  return (
    <div class="charts">
      <Chart
        title={`Traces by ${by}`}
        kind="bars"
        buckets={buckets}
        series={[
          { name: 'errors', colour: 'bad', values: of((row) => row.errors, 0) },
          { name: 'others', colour: 2, values: of((row) => row.traces - row.errors, 0) },
        ]}
        show={short}
      />
      <Chart
        title="Latency of traces"
        kind="lines"
        buckets={buckets}
        series={[
          { name: 'P50', colour: 0, values: percentile('p50') },
          { name: 'P95', colour: 1, values: percentile('p95') },
          { name: 'P99', colour: 3, values: percentile('p99') },
        ]}
        show={milliseconds}
      />
      <Chart
        title="Error rate"
        kind="lines"
        buckets={buckets}
        series={[
          {
            name: 'errors',
            colour: 'bad',
            values: of((row) => row.error_rate as number | null, null),
          },
        ]}
        show={percent}
      />
      <Chart
        title={`Tokens by ${by}`}
        kind="bars"
        buckets={buckets}
        series={[
          { name: 'input', colour: 2, values: of((row) => row.input_tokens, 0) },
          { name: 'output', colour: 1, values: of((row) => row.output_tokens, 0) },
        ]}
        show={short}
      />
    </div>
  );
}

function Controls({ page, by }: { page: PageQuery; by: Grouping }) {
  const projects = useLoaded((signal) => observe.projects(signal), 'projects');
  const others = names.filter(
    (name) => !['project', 'kind', 'from'].includes(name) && page.get(name),
  );
  return (
    <div class="row cost-controls">
      <Choice
        label="By"
        value={by}
        options={groupings
          .filter((name) => name !== 'hour')
          .map((name) => [name, groupingNames[name]] as const)}
        onChange={(next) => page.set({ group_by: next === 'model' ? null : next })}
      />
      <SinceField page={page} />
      <ProjectField page={page} projects={projects.value ?? []} />
      <KindField page={page} class="short" />
      {others.length > 0 && (
        <p class="cost-filters">
          {others.map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-label={`Without ${name} ${page.get(name)}`}
              onClick={() => page.set({ [name]: null })}
            >
              {name}: {page.get(name).slice(0, 60)} ×
            </button>
          ))}
        </p>
      )}
    </div>
  );
}

export function CostsPage() {
  useTitle('Costs');
  const page = usePageQuery();
  const queries = useMemo(() => selected(page.query, names), [page.query.toString()]);
  const key = JSON.stringify(queries);
  const wanted = page.get('group_by') as Grouping;
  const by: Grouping = groupings.includes(wanted) ? wanted : 'model';
  const isShort = !!queries.from && Date.now() - Date.parse(queries.from) < 3 * 86_400_000;
  const unit = isShort ? 'hour' : 'day';
  const costs = useLoaded(
    (signal) => observe.costs({ ...queries, group_by: by }, signal),
    `costs ${by} ${key}`,
  );
  const times = useLoaded(
    (signal) => observe.costs({ ...queries, group_by: unit }, signal),
    `costs over ${unit} ${key}`,
  );
  const stats = useLoaded(
    (signal) => observe.stats({ ...queries, group_by: unit }, signal),
    `stats ${unit} ${key}`,
  );
  const isEmpty = costs.value?.groups.length === 0 && stats.value?.traces === 0;
  return (
    <Page title="Costs" lead="What calls cost, who made them, and how they fare." isWide>
      <Controls page={page} by={by} />
      <ProblemBox problem={costs.problem} retry={costs.reload} />
      {!costs.value && !costs.problem && <Waiting lines={6} />}
      {costs.value && <Totals costs={costs.value} />}
      {!!costs.value?.unpriced_runs && (
        <p class="refusal">
          {count(costs.value.unpriced_runs)} runs used models whose price nobody knows; they are not
          in the sums. Prices are put by <code>PUT /api/prices/MODEL</code>, and hold for runs that
          are there after <code>POST /api/prices/reprice</code>.
        </p>
      )}
      {isEmpty && (
        <Empty icon="costs" title="Nothing was spent">
          No run that fits used a model.
        </Empty>
      )}
      {times.value && times.value.groups.length > 0 && <CostChart costs={times.value} by={unit} />}
      {costs.value && costs.value.groups.length > 0 && (
        <Groups costs={costs.value} by={by} queries={queries} />
      )}
      {stats.value && stats.value.traces > 0 && (
        <section aria-labelledby="health-title" class="stack">
          <h2 id="health-title">Traffic and latency</h2>
          <Health stats={stats.value} by={unit} />
        </section>
      )}
      <ProblemBox problem={times.problem ?? stats.problem} retry={stats.reload} />
    </Page>
  );
}
