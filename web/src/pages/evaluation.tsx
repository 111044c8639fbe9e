// One evaluation or experiment: while it runs its progress, then its metrics with their intervals, and every case.
import { useEffect, useState } from 'preact/hooks';
import { count, plural, time } from '../format';
import { asProblem, useLoaded, useTitle } from '../hooks';
import type { Problem } from '../api';
import {
  compareHref,
  datasetHref,
  type Evaluation,
  evaluation,
  type EvaluationItem,
} from '../evaluation';
import {
  Confirm,
  Empty,
  Field,
  Page,
  ProblemBox,
  Progress,
  Waiting,
} from '../parts/common';
import { isRunning, StateMark } from '../parts/evaluation_list';
import { firstWords } from '../parts/example_text';
import { Icon } from '../parts/icons';
import { MetricTable } from '../parts/interval';
import { ItemView } from '../parts/item_view';
import { ListDetail } from '../parts/list_detail';
import { type PageQuery, usePageQuery } from '../parts/marks';
import { useMore } from '../parts/more';
import { ScoreChip } from '../parts/score_view';
import { Link, navigate } from '../router';

function Head({ one }: { one: Evaluation }) {
  return (
    <div class="trace-head">
      <StateMark one={one} />
      {one.dataset && (
        <span>
          <span class="muted">dataset</span>{' '}
          <Link
            href={`${datasetHref(one.dataset.name)}${one.dataset.version ? `?at=${encodeURIComponent(one.dataset.version)}` : ''}`}
          >
            {one.dataset.name}
          </Link>
        </span>
      )}
      {one.target && (
        <span>
          <span class="muted">of</span> {one.target}
        </span>
      )}
      {one.judge && (
        <span>
          <span class="muted">judge</span> {one.judge}
        </span>
      )}
      <span>
        <strong>{count(one.total)}</strong>{' '}
        <span class="muted">{one.total === 1 ? 'case' : 'cases'}</span>
      </span>
      <span class="muted">{time(one.created_at)}</span>
    </div>
  );
}

function Running({ one, onCancel }: { one: Evaluation; onCancel: () => void }) {
  const share = one.total > 0 ? one.done / one.total : null;
  return (
    <div class="run" data-testid="evaluation-progress">
      <div class="row between">
        <p class="working" role="status">
          {one.state === 'queued'
            ? 'It waits for its turn'
            : one.total > 0
              ? `${count(one.done)} of ${plural(one.total, 'case')}`
              : 'It begins'}
        </p>
        <button type="button" class="quiet small" onClick={onCancel}>
          <Icon name="stop" /> Cancel
        </button>
      </div>
      <Progress share={share} label="Cases that are done" />
    </div>
  );
}

function ItemRow({
  item,
  isOpen,
  onOpen,
}: {
  item: EvaluationItem;
  isOpen: boolean;
  onOpen: () => void;
}) {
  return (
    <tr
      class={`trace-row ${isOpen ? 'is-open' : ''} ${item.error ? 'is-error' : ''}`}
      data-testid="item-row"
      data-item={item.id}
      onClick={(event) => {
        if ((event.target as Element).closest('a, button') || getSelection()?.toString()) return;
        onOpen();
      }}
    >
      <td>
        <button type="button" class="link plain-link" onClick={onOpen}>
          {firstWords(item.input, 200) || item.id}
        </button>
        <p class="preview muted">
          {item.error ? <span class="bad">{item.error}</span> : firstWords(item.actual_output)}
        </p>
        <p class="chips-line">
          {item.severity === 'critical' && <span class="state stale plain-tag">critical</span>}
          {Object.entries(item.scores).map(([name, score]) => (
            <ScoreChip key={name} name={name} score={score} />
          ))}
        </p>
      </td>
    </tr>
  );
}

const orders = [
  ['', 'As in the dataset'],
  ['score', 'Lowest score first'],
  ['-score', 'Highest score first'],
] as const;

function Items({ one, page }: { one: Evaluation; page: PageQuery }) {
  const failing = page.get('failing') === 'true';
  const metric = page.get('metric');
  const sort = page.get('sort');
  const chosen = page.get('item');
  const list = useMore(
    (cursor, signal) =>
      evaluation.items(
        one.id,
        { limit: 50, cursor, failing: failing ? 'true' : '', metric, sort },
        signal,
      ),
    `items ${one.id} ${failing} ${metric} ${sort} ${one.state}`,
  );
  const open = list.items.find((item) => item.id === chosen);
  return (
    <section class="stack tight" aria-label="Cases">
      <div class="row">
        <button
          type="button"
          class="chip"
          aria-pressed={failing}
          onClick={() => page.set({ failing: failing ? null : 'true', item: null }, 'replace')}
        >
          Failing only
        </button>
        <Field label="Metric" class="narrow-field">
          {(attributes) => (
            <select
              {...attributes}
              value={metric}
              onChange={(event) =>
                page.set({ metric: event.currentTarget.value, item: null }, 'replace')
              }
            >
              <option value="">Any</option>
              {one.metrics.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Order" class="narrow-field">
          {(attributes) => (
            <select
              {...attributes}
              value={sort}
              onChange={(event) => page.set({ sort: event.currentTarget.value }, 'replace')}
            >
              {orders.map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <ListDetail
        list={list}
        caption="Cases"
        head={<th scope="col">Case</th>}
        isHeadHidden
        empty={<p class="muted">{failing ? 'No case fails.' : 'There are no cases.'}</p>}
        chosen={chosen}
        onChoose={(item) => page.set({ item }, 'replace')}
        row={(item) => (
          <ItemRow
            key={item.id}
            item={item}
            isOpen={item.id === chosen}
            onOpen={() => page.set({ item: item.id }, 'replace')}
          />
        )}
        detail={
          open && (
            <ItemView
              key={open.id}
              evaluationId={one.id}
              item={open}
              onClose={() => page.set({ item: null }, 'replace')}
            />
          )
        }
      />
    </section>
  );
}

/** Others over the same dataset, to be measured against. */
function CompareWith({ one }: { one: Evaluation }) {
  const others = useLoaded(
    (signal) =>
      one.dataset
        ? evaluation.evaluations({ dataset: one.dataset.name, limit: 100 }, signal)
        : Promise.resolve({ items: [] }),
    `others ${one.id} ${one.dataset?.name}`,
  );
  const fit = (others.value?.items ?? []).filter(
    (other) => other.id !== one.id && !isRunning(other) && other.metrics.length > 0,
  );
  if (!fit.length) return null;
  return (
    <select
      aria-label="Compare with a baseline"
      class="compare-with"
      value=""
      onChange={(event) => navigate(compareHref(event.currentTarget.value, one.id))}
    >
      <option value="">Compare with…</option>
      {fit.map((other) => (
        <option key={other.id} value={other.id}>
          {other.name} · {time(other.created_at)}
        </option>
      ))}
    </select>
  );
}

function Actions({ one, onRemove }: { one: Evaluation; onRemove: () => void }) {
  const hasResult = one.metrics.length > 0 && !isRunning(one);
  return (
    <div class="row">
      {hasResult && <CompareWith one={one} />}
      {one.request && !isRunning(one) && (
        <Link class="button quiet" href={`/evaluations/new?from=${encodeURIComponent(one.id)}`}>
          <Icon name="replay" /> Run again
        </Link>
      )}
      {hasResult && (
        <>
          <a class="button quiet" href={evaluation.reportPath(one.id)} target="_blank" rel="noopener">
            Report
          </a>
          <a
            class="button quiet"
            href={evaluation.resultPath(one.id)}
            download={`${one.name}.json`}
          >
            JSON
          </a>
        </>
      )}
      {one.source === 'evaluation' && !isRunning(one) && (
        <button type="button" class="quiet" aria-label="Delete" onClick={onRemove}>
          <Icon name="trash" />
        </button>
      )}
    </div>
  );
}

export function EvaluationPage({ id }: { id: string }) {
  const page = usePageQuery();
  const found = useLoaded((signal) => evaluation.evaluation(id, signal), `evaluation ${id}`);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const one = found.value;
  useTitle(one?.name ?? 'Evaluation');
  const isLive = one !== null && isRunning(one);
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(found.reload, 700);
    return () => clearInterval(timer);
  }, [isLive]);
  const cancel = async () => {
    try {
      await evaluation.cancel(id);
      found.reload();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Page
      title={one?.name ?? 'Evaluation'}
      isWide
      lead={<Link href="/evaluations">All evaluations</Link>}
      actions={one && <Actions one={one} onRemove={() => setRemoving(true)} />}
    >
      <ProblemBox problem={found.problem ?? problem} retry={found.reload} />
      {!one && !found.problem && <Waiting lines={8} />}
      {one && (
        <div class="stack" data-testid="evaluation" data-state={one.state}>
          <Head one={one} />
          {isLive && <Running one={one} onCancel={() => void cancel()} />}
          {one.error && (
            <div class="problem">
              <p>{one.error}</p>
            </div>
          )}
          {one.failures.length > 0 && (
            <ul class="failures" aria-label="Why it has not passed">
              {one.failures.map((failure) => (
                <li key={failure}>{failure}</li>
              ))}
            </ul>
          )}
          {one.metrics.length > 0 && <MetricTable metrics={one.metrics} title="Metrics" />}
          {!isLive && one.metrics.length > 0 && <Items one={one} page={page} />}
          {!isLive && one.metrics.length === 0 && !one.error && (
            <Empty icon="evaluations" title="No scores">
              Nobody has scored the runs of this experiment yet.
            </Empty>
          )}
        </div>
      )}
      {isRemoving && one && (
        <Confirm
          title={`Delete ${one.name}?`}
          verb="Delete"
          onClose={() => setRemoving(false)}
          onConfirm={async () => {
            await evaluation.remove(one.id);
            navigate('/evaluations', 'replace');
          }}
        >
          Its result and its {plural(one.total, 'case')} are gone. The dataset stays.
        </Confirm>
      )}
    </Page>
  );
}
