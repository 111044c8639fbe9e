// Evaluations side by side: metrics with paired differences, then the cases that changed, both answers and traces.
import { useEffect, useState } from 'preact/hooks';
import { count, plural, time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import {
  type Evaluation,
  evaluation,
  type EvaluationComparison,
  evaluationHref,
  type ItemChange,
  type MetricChange,
} from '../evaluation';
import { Empty, Field, Page, ProblemBox, Waiting } from '../parts/common';
import { isRunning } from '../parts/evaluation_list';
import { firstWords } from '../parts/example_text';
import { signed, valueOf } from '../parts/interval';
import { ItemChangeView } from '../parts/item_change';
import { ListDetail } from '../parts/list_detail';
import { type PageQuery, usePageQuery } from '../parts/marks';
import { useMore } from '../parts/more';
import { Link } from '../router';

/** Better, worse, or not to be told apart: by the interval, with the direction of the metric. */
function directionOf(change: MetricChange): 'better' | 'worse' | 'open' {
  if (change.low === null || change.high === null) return 'open';
  if (change.low > 0) return change.lower_is_better ? 'worse' : 'better';
  if (change.high < 0) return change.lower_is_better ? 'better' : 'worse';
  return 'open';
}

const looks = { better: 'valid', worse: 'gone', open: '' };
const words = { better: 'better', worse: 'worse', open: 'no clear change' };

/** The interval of a difference around 0, which stands in the middle. */
function DifferenceBar({ change }: { change: MetricChange }) {
  if (change.difference === null) return null;
  const low = change.low ?? change.difference;
  const high = change.high ?? change.difference;
  const reach = Math.max(Math.abs(low), Math.abs(high), Math.abs(change.difference), 1e-9) * 1.1;
  const at = (value: number) => 50 + (value / reach) * 50;
  return (
    <svg
      class={`interval-bar ${directionOf(change)}`}
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect class="interval-range" x="0" y="0" width="100" height="8" />
      <rect class="interval-limit" x="49.6" y="0" width="0.8" height="8" />
      <rect
        class="interval-span"
        x={at(low)}
        y="2"
        width={Math.max(0.6, at(high) - at(low))}
        height="4"
      />
      <rect class="interval-mean" x={at(change.difference) - 0.7} y="0" width="1.4" height="8" />
    </svg>
  );
}

function ChangeCells({ change }: { change: MetricChange | undefined }) {
  if (!change || change.difference === null)
    return (
      <>
        <td class="number">{valueOf(change?.name ?? '', change?.candidate)}</td>
        <td class="muted">nothing to pair</td>
      </>
    );
  const direction = directionOf(change);
  return (
    <>
      <td class="number">{valueOf(change.name, change.candidate)}</td>
      <td data-direction={direction}>
        <strong class="number">{signed(change.name, change.difference)}</strong>{' '}
        <span class={`state ${looks[direction]}`}>{words[direction]}</span>
        <DifferenceBar change={change} />
        <span class="muted number">
          {change.low === null || change.high === null
            ? 'no interval'
            : `${signed(change.name, change.low)} to ${signed(change.name, change.high)}`}
        </span>
        <span class="muted block number">
          n {change.n}
          {change.clusters > 0 && change.clusters < change.n && ` in ${change.clusters} clusters`}
          {change.p_worse !== null && ` · p worse ${change.p_worse.toFixed(3)}`}
          {change.mde !== null && ` · shows from ${valueOf(change.name, change.mde)}`}
        </span>
      </td>
    </>
  );
}

function Metrics({
  comparisons,
  metric,
  onMetric,
}: {
  comparisons: EvaluationComparison[];
  metric: string;
  onMetric: (name: string) => void;
}) {
  const names = [...new Set(comparisons.flatMap((one) => one.metrics.map((m) => m.name)))];
  const of = (one: EvaluationComparison, name: string) => one.metrics.find((m) => m.name === name);
  return (
    <div class="table" tabIndex={0} role="group" aria-label="Metrics and their differences">
      <table class="metric-table comparison" data-testid="comparison-table">
        <caption class="hidden">Metrics and their paired differences</caption>
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" class="number">
              {comparisons[0]!.baseline.name}
              <span class="block">baseline</span>
            </th>
            {comparisons.map((one) => (
              <>
                <th key={one.candidate.id} scope="col" class="number">
                  {one.candidate.name}
                </th>
                <th key={`${one.candidate.id} d`} scope="col">
                  Paired difference
                </th>
              </>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => {
            const first = comparisons.map((one) => of(one, name)).find(Boolean);
            return (
              <tr key={name} data-metric={name}>
                <th scope="row">
                  <button
                    type="button"
                    class="sort"
                    aria-pressed={name === metric}
                    title="Order the cases by its change"
                    onClick={() => onMetric(name)}
                  >
                    {name}
                    <span aria-hidden="true">{name === metric ? ' ↓' : ''}</span>
                  </button>
                  {first?.lower_is_better && <span class="muted block">lower is better</span>}
                </th>
                <td class="number">{valueOf(name, first?.baseline)}</td>
                {comparisons.map((one) => (
                  <ChangeCells key={one.candidate.id} change={of(one, name)} />
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const orders = [
  ['', 'Worst change first'],
  ['-change', 'Best change first'],
  ['abs', 'Largest change first'],
  ['id', 'As in the dataset'],
] as const;

function ItemRow({
  item,
  metric,
  isOpen,
  onOpen,
}: {
  item: ItemChange;
  metric: string;
  isOpen: boolean;
  onOpen: () => void;
}) {
  const look =
    item.change === null || item.change === 0 ? '' : item.change > 0 ? 'valid' : 'gone';
  return (
    <tr
      class={`trace-row ${isOpen ? 'is-open' : ''}`}
      data-testid="change-row"
      data-item={item.id}
      data-change={item.change ?? ''}
      onClick={(event) => {
        if ((event.target as Element).closest('a, button') || getSelection()?.toString()) return;
        onOpen();
      }}
    >
      <td>
        <button type="button" class="link plain-link" onClick={onOpen}>
          {firstWords(item.input, 200) || item.id}
        </button>
        {item.severity === 'critical' && <span class="state stale plain-tag">critical</span>}
      </td>
      <td class="number">
        <span class={`state ${look}`}>{signed(metric, item.change)}</span>
        <span class="muted block">
          {valueOf(metric, item.baseline?.scores[metric]?.score)} →{' '}
          {valueOf(metric, item.candidate?.scores[metric]?.score)}
        </span>
      </td>
    </tr>
  );
}

function Items({ comparison, page }: { comparison: EvaluationComparison; page: PageQuery }) {
  const { baseline, candidate, metric } = comparison;
  const sort = page.get('sort');
  const changed = page.get('changed') === 'true';
  const chosen = page.get('item');
  const list = useMore(
    (cursor, signal) =>
      evaluation.compare(
        {
          baseline: baseline.id,
          candidate: candidate.id,
          metric,
          sort,
          changed: changed ? 'true' : '',
          limit: 30,
          cursor,
        },
        signal,
      ),
    `changes ${baseline.id} ${candidate.id} ${metric} ${sort} ${changed}`,
  );
  const open = list.items.find((item) => item.id === chosen);
  return (
    <section class="stack tight" aria-labelledby="cases-title">
      <div class="row between">
        <h2 id="cases-title">Cases by the change of {metric}</h2>
        <div class="row">
          <button
            type="button"
            class="chip"
            aria-pressed={changed}
            onClick={() => page.set({ changed: changed ? null : 'true', item: null }, 'replace')}
          >
            Changed only
          </button>
          <select
            aria-label="Order"
            class="compare-with"
            value={sort}
            onChange={(event) => page.set({ sort: event.currentTarget.value }, 'replace')}
          >
            {orders.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </div>
      </div>
      <ListDetail
        list={list}
        caption="Cases"
        head={
          <>
            <th scope="col">Case</th>
            <th scope="col" class="number">
              Change
            </th>
          </>
        }
        empty={
          <p class="muted">{changed ? 'No case changed.' : 'There is no case on both sides.'}</p>
        }
        chosen={chosen}
        onChoose={(item) => page.set({ item }, 'replace')}
        row={(item) => (
          <ItemRow
            key={item.id}
            item={item}
            metric={metric}
            isOpen={item.id === chosen}
            onOpen={() => page.set({ item: item.id }, 'replace')}
          />
        )}
        detail={
          open && (
            <ItemChangeView
              key={open.id}
              item={open}
              names={[baseline.name, candidate.name]}
              onClose={() => page.set({ item: null }, 'replace')}
            />
          )
        }
        isDetailWide
      />
    </section>
  );
}

function EvaluationPicker({
  label,
  value,
  all,
  onChange,
}: {
  label: string;
  value: string;
  all: Evaluation[];
  onChange: (id: string) => void;
}) {
  return (
    <Field label={label} class="grow">
      {(attributes) => (
        <select
          {...attributes}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {!all.some((one) => one.id === value) && <option value={value}>{value}</option>}
          {all.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name} · {time(one.created_at)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Notes({ comparisons }: { comparisons: EvaluationComparison[] }) {
  const notes = comparisons.flatMap((one) => [
    ...one.changes.map((change) => `${one.candidate.name}: ${change}`),
    ...(one.only_baseline + one.only_candidate > 0
      ? [
          `${one.candidate.name}: ${plural(one.only_baseline, 'case')} only in the baseline, ${count(one.only_candidate)} only here; they are in no difference`,
        ]
      : []),
  ]);
  if (!notes.length) return null;
  return (
    <ul class="refusal" aria-label="What is not the same on both sides">
      {[...new Set(notes)].map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}

export function ComparePage() {
  useTitle('Evaluations side by side');
  const page = usePageQuery();
  const baseline = page.get('baseline');
  const candidates = page.query.getAll('candidate').filter(Boolean);
  const metric = page.get('metric');
  const [at, setAt] = useState(0);
  const found = useLoaded(
    (signal) =>
      Promise.all(
        baseline
          ? candidates.map((candidate) =>
              evaluation.compare({ baseline, candidate, metric, limit: 1 }, signal),
            )
          : [],
      ),
    `compare ${baseline} ${candidates.join(' ')} ${metric}`,
  );
  const [last, setLast] = useState<EvaluationComparison[] | null>(null);
  useEffect(() => {
    if (found.value) setLast(found.value);
  }, [found.value]);
  const all = found.value ?? (found.problem ? null : last);
  const dataset = all?.[0]?.baseline.dataset?.name ?? '';
  const others = useLoaded(
    (signal) =>
      dataset
        ? evaluation.evaluations({ dataset, limit: 200 }, signal)
        : Promise.resolve({ items: [] }),
    `others of ${dataset}`,
  );
  const pickable = (others.value?.items ?? []).filter(
    (one) => !isRunning(one) && one.metrics.length > 0,
  );
  const shown = all?.[Math.min(at, all.length - 1)];
  const candidate = candidates[0] ?? '';
  const replaceFirst = (id: string) => {
    const next = new URLSearchParams(page.query);
    next.delete('candidate');
    for (const one of [id, ...candidates.slice(1)]) next.append('candidate', one);
    next.delete('item');
    page.replaceAll(next);
  };
  return (
    <Page
      title="Evaluations side by side"
      isWide
      lead={
        <>
          <Link href="/evaluations">All evaluations</Link>
          {dataset && (
            <>
              {' '}
              · dataset <Link href={`/datasets/${encodeURIComponent(dataset)}`}>{dataset}</Link>
            </>
          )}
        </>
      }
      actions={
        candidates.length === 1 && (
          <button
            type="button"
            class="quiet small"
            onClick={() => page.set({ baseline: candidate, candidate: baseline, item: null })}
          >
            Swap
          </button>
        )
      }
    >
      {(!baseline || !candidates.length) && (
        <Empty icon="evaluations" title="Two evaluations are needed">
          Mark two or more in the <Link href="/evaluations">list</Link> and press Compare.
        </Empty>
      )}
      <ProblemBox problem={found.problem} retry={found.reload} />
      {!all && !found.problem && baseline && candidates.length > 0 && <Waiting lines={8} />}
      {all && all.length > 0 && shown && (
        <div class="stack">
          <div class="row">
            <EvaluationPicker
              label="Baseline"
              value={baseline}
              all={pickable}
              onChange={(id) => page.set({ baseline: id, item: null })}
            />
            <EvaluationPicker
              label="Candidate"
              value={candidate}
              all={pickable}
              onChange={replaceFirst}
            />
          </div>
          <Notes comparisons={all} />
          <Metrics
            comparisons={all}
            metric={shown.metric}
            onMetric={(name) => page.set({ metric: name, item: null }, 'replace')}
          />
          {all.length > 1 && (
            <div class="chips" role="group" aria-label="Whose cases are shown">
              {all.map((one, i) => (
                <button
                  key={one.candidate.id}
                  type="button"
                  class="chip"
                  aria-pressed={shown === one}
                  onClick={() => setAt(i)}
                >
                  {one.candidate.name}
                </button>
              ))}
            </div>
          )}
          <p>
            <Link href={evaluationHref(shown.baseline.id)}>{shown.baseline.name}</Link>
            {' → '}
            <Link href={evaluationHref(shown.candidate.id)}>{shown.candidate.name}</Link>
            <span class="muted"> · {plural(shown.total, 'case')} on both sides</span>
          </p>
          <Items key={shown.candidate.id} comparison={shown} page={page} />
        </div>
      )}
    </Page>
  );
}
