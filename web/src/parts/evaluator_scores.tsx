// What a rule has found of late: the mean of its scores with an interval and their number, hour by hour.
import { useLoaded } from '../hooks';
import { evaluation, type Evaluator } from '../evaluation';
import { count } from '../format';
import { intervalText, valueOf } from './interval';

export function EvaluatorScores({ rule }: { rule: Evaluator }) {
  const found = useLoaded(
    (signal) => evaluation.evaluatorScores(rule.id, signal),
    `scores ${rule.id}`,
  );
  const all = found.value;
  if (found.problem) return null; // The rule itself is shown; its scores are asked for again.
  if (!all) return <p class="muted">…</p>;
  if (all.n === 0) return <p class="muted">Nothing was judged in the last 24 hours.</p>;
  return (
    <p data-testid="scores" data-n={all.n}>
      <strong>{valueOf(rule.key, all.mean)}</strong>{' '}
      <span class="muted">
        {intervalText(rule.key, all.low, all.high)} · n {count(all.n)} in 24 hours
        {all.errors > 0 && <span class="bad"> · {count(all.errors)} could not be judged</span>}
      </span>
    </p>
  );
}
