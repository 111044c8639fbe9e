// What a metric said of one case: the score, why, and the claims, chunks or sentences that it looked at.
import type { ItemScore } from '../evaluation';
import { LongText } from './json_view';
import { valueOf } from './interval';

const good = /^(supported|yes|relevant|attributable|tp|1)$/i;
const bad = /^(contradicted|no|irrelevant|unsupported|fp|fn|0)$/i;
const lookOf = (verdict: string) =>
  good.test(verdict) ? 'valid' : bad.test(verdict) ? 'gone' : 'stale';

export function PassMark({ score }: { score: ItemScore | undefined }) {
  if (!score) return null;
  if (score.error) return <span class="state gone">error</span>;
  if (score.pass === null) return null;
  return score.pass ? (
    <span class="state valid">pass</span>
  ) : (
    <span class="state gone">fail</span>
  );
}

/** "faithfulness 0.83 pass": a metric of a case in one line. */
export function ScoreChip({ name, score }: { name: string; score: ItemScore }) {
  const look = score.error ? 'gone' : score.pass === null ? '' : score.pass ? 'valid' : 'gone';
  return (
    <span class={`state plain-tag ${look}`} title={score.error ?? score.reason}>
      {name} {score.error ? 'error' : valueOf(name, score.score)}
    </span>
  );
}

export function ScoreView({ name, score }: { name: string; score: ItemScore }) {
  return (
    <section class="payload" aria-label={name} data-testid="item-score" data-metric={name}>
      <div class="row between">
        <h3>
          {name} {score.error ? '' : valueOf(name, score.score)}
        </h3>
        <PassMark score={score} />
      </div>
      {score.error && <p class="bad">{score.error}</p>}
      {score.reason && <LongText class="muted" text={score.reason} />}
      {score.items.length > 0 && (
        <ol class="verdicts">
          {score.items.map((item, i) => (
            <li key={i}>
              <span>{item.text}</span>{' '}
              {item.verdict && <span class={`state ${lookOf(item.verdict)}`}>{item.verdict}</span>}
              {item.score !== null && <span class="muted number"> {item.score.toFixed(3)}</span>}
              {item.reason && <p class="muted">{item.reason}</p>}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
