// Evaluations and LangSmith's experiments in one table: a row each, a column for each metric. Two or more that are
// marked can be compared.
import { useEffect, useState } from 'preact/hooks';
import { shortTime } from '../format';
import { type Evaluation, evaluation, type EvaluationState, evaluationHref } from '../evaluation';
import { Link, navigate } from '../router';
import { Empty, InputField, ProblemBox, Waiting } from './common';
import { intervalText, valueOf } from './interval';
import { ShowMore } from './list_detail';
import { useMore } from './more';

const stateLook: Record<EvaluationState, string> = {
  queued: '',
  running: 'stale',
  done: 'valid',
  failed: 'gone',
  cancelled: '',
  interrupted: 'gone',
};

export const isRunning = (one: Evaluation): boolean =>
  one.state === 'queued' || one.state === 'running';

/** How it stands: that it has passed says more than that it is done. */
export function StateMark({ one }: { one: Evaluation }) {
  if (one.state === 'done' && one.source === 'experiment')
    return <span class="state">experiment</span>;
  if (one.state === 'done' && one.passed !== null)
    return one.passed ? (
      <span class="state valid">passed</span>
    ) : (
      <span class="state gone">below its bounds</span>
    );
  return <span class={`state ${stateLook[one.state]}`}>{one.state}</span>;
}

const columnsMax = 5;

/** The metrics that most of them have, the commonest first. */
function columnsOf(all: Evaluation[]): string[] {
  const counts = new Map<string, number>();
  for (const { metrics } of all)
    for (const { name } of metrics) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, columnsMax)
    .map(([name]) => name);
}

function Cell({ one, name }: { one: Evaluation; name: string }) {
  const metric = one.metrics.find((m) => m.name === name);
  if (!metric)
    return (
      <td class="number muted" data-name={name}>
        –
      </td>
    );
  return (
    <td class="number" data-name={name}>
      {valueOf(name, metric.mean)}
      <span class="muted block interval-text">
        {metric.low === null ? `n ${metric.n}` : intervalText(name, metric.low, metric.high)}
      </span>
    </td>
  );
}

function Row({
  one,
  columns,
  hasDataset,
  mark,
  onMark,
}: {
  one: Evaluation;
  columns: string[];
  hasDataset: boolean;
  mark: number; // Which one of those that are compared; 0: none.
  onMark: (on: boolean) => void;
}) {
  return (
    <tr data-testid="evaluation-row" data-evaluation={one.id} data-state={one.state}>
      <td>
        <label class="check" title="Compare">
          <input
            type="checkbox"
            aria-label={`Compare ${one.name}`}
            checked={mark > 0}
            disabled={isRunning(one)}
            onChange={(event) => onMark(event.currentTarget.checked)}
          />
        </label>
      </td>
      <td>
        <div class="row between nowrap">
          <Link href={evaluationHref(one.id)}>{one.name}</Link>
          <StateMark one={one} />
        </div>
        <p class="muted small-facts">
          {hasDataset && one.dataset && `${one.dataset.name} · `}
          {one.target && `${one.target} · `}
          {shortTime(one.created_at)}
          {isRunning(one) && one.total > 0 && ` · ${one.done} of ${one.total}`}
        </p>
      </td>
      {columns.map((name) => (
        <Cell key={name} one={one} name={name} />
      ))}
    </tr>
  );
}

const compareAll = (marked: string[]): string =>
  `/evaluations/compare?baseline=${encodeURIComponent(marked[0]!)}${marked
    .slice(1)
    .map((id) => `&candidate=${encodeURIComponent(id)}`)
    .join('')}`;

export function EvaluationList({ dataset = '' }: { dataset?: string }) {
  const [words, setWords] = useState('');
  const [marked, setMarked] = useState<string[]>([]);
  const list = useMore(
    (cursor, signal) => evaluation.evaluations({ dataset, limit: 50, cursor }, signal),
    `evaluations ${dataset}`,
  );
  const isAnyRunning = list.items.some(isRunning);
  useEffect(() => {
    if (!isAnyRunning) return;
    const timer = setInterval(() => !document.hidden && list.reload(), 2000);
    return () => clearInterval(timer);
  }, [isAnyRunning]);
  const shown = list.items.filter((one) =>
    `${one.name} ${one.target}`.toLowerCase().includes(words.trim().toLowerCase()),
  );
  const columns = columnsOf(list.items);
  // The older one is what the younger one is measured against.
  const inOrder = list.items
    .filter((one) => marked.includes(one.id))
    .map((one) => one.id)
    .reverse();
  if (list.isFirst) return <Waiting lines={5} />;
  if (list.problem) return <ProblemBox problem={list.problem} retry={list.reload} />;
  if (!list.items.length)
    return (
      <Empty icon="evaluations" title="No evaluations yet">
        Start one here, run <code>evaluate()</code> of the LangSmith client against this server, or{' '}
        <code>slipway eval run</code>.
      </Empty>
    );
  return (
    <div class="stack tight">
      <div class="row">
        <InputField
          label="Find"
          class="grow"
          type="search"
          value={words}
          data-shortcut="focus"
          onInput={setWords}
        />
        <button
          type="button"
          disabled={inOrder.length < 2}
          title="Mark two or more"
          onClick={() => navigate(compareAll(inOrder))}
        >
          Compare{inOrder.length > 1 ? ` ${inOrder.length}` : ''}
        </button>
      </div>
      <div class="table traces" tabIndex={0} role="group" aria-label="Evaluations">
        <table class="evaluations">
          <caption class="hidden">Evaluations, the youngest first</caption>
          <thead>
            <tr>
              <td>
                <span class="hidden">Compare</span>
              </td>
              <th scope="col">Evaluation</th>
              {columns.map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <Row
                key={one.id}
                one={one}
                columns={columns}
                hasDataset={!dataset}
                mark={inOrder.indexOf(one.id) + 1}
                onMark={(on) =>
                  setMarked((old) => (on ? [...old, one.id] : old.filter((id) => id !== one.id)))
                }
              />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class="muted">None has this in its name.</p>}
      <ShowMore list={list} />
    </div>
  );
}
