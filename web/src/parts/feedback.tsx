// What people and programs think of a run, and one's own thumb. Shown where the server keeps feedback.
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../api';
import { shortTime } from '../format';
import { asProblem } from '../hooks';
import { knownPaths, observe, type Feedback } from '../observe';
import { ProblemBox } from './common';

const scoreText = (score: Feedback['score']): string =>
  typeof score === 'boolean' ? (score ? 'yes' : 'no') : String(score);

function Item({ item }: { item: Feedback }) {
  return (
    <li>
      <strong>{item.key}</strong>{' '}
      {item.score !== null && item.score !== undefined && <span>{scoreText(item.score)}</span>}{' '}
      {item.value !== null && item.value !== undefined && (
        <code>{typeof item.value === 'string' ? item.value : JSON.stringify(item.value)}</code>
      )}{' '}
      {item.comment && <span>{item.comment}</span>}{' '}
      {item.created_at && <span class="muted">{shortTime(item.created_at)}</span>}
    </li>
  );
}

export function FeedbackView({ run }: { run: string }) {
  const [items, setItems] = useState<Feedback[] | null>(null);
  const [mayGive, setMayGive] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = async (signal?: AbortSignal) => {
    try {
      const paths = await knownPaths();
      if (!paths.has('/api/feedback')) return;
      const found = await observe.feedback(run, signal);
      if (signal?.aborted) return;
      setItems(found);
      setMayGive(paths.has('/api/runs/{id}/feedback'));
    } catch (error) {
      if (!signal?.aborted) setProblem(asProblem(error));
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    void load(stop.signal);
    return () => stop.abort();
  }, [run]);
  const give = async (score: number) => {
    try {
      await observe.giveFeedback(run, { key: 'user_score', score });
      await load();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  if (!items && !problem) return null;
  return (
    <section aria-label="Feedback" class="payload" data-testid="run-feedback">
      <div class="row between">
        <h3>Feedback</h3>
        {mayGive && (
          <div class="row">
            <button type="button" class="quiet small" onClick={() => void give(1)}>
              Good
            </button>
            <button type="button" class="quiet small" onClick={() => void give(0)}>
              Bad
            </button>
          </div>
        )}
      </div>
      <ProblemBox problem={problem} />
      {items?.length === 0 && <p class="muted">None yet.</p>}
      <ul class="feedback">
        {(items ?? []).map((item) => (
          <Item key={item.id} item={item} />
        ))}
      </ul>
    </section>
  );
}
