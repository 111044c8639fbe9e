// Puts a run into a queue, an old or a new one, where a person will look at it.
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { asProblem, useLoaded, useStored } from '../hooks';
import type { RunHead } from '../observe';
import { review } from '../review';
import { Link } from '../router';
import { Dialog, Field, ProblemBox } from './common';

export function AddToQueue({ run, onClose }: { run: RunHead; onClose: () => void }) {
  const list = useLoaded((signal) => review.queues(signal), 'review queues');
  const [last, setLast] = useStored('queue', '');
  const [chosen, setChosen] = useState<string | null>(null);
  const [fresh, setFresh] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState('');
  const queues = list.value ?? [];
  const old =
    chosen ?? (queues.some((queue) => queue.id === last) ? last : (queues[0]?.id ?? ''));
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const id = old || (await review.create({ name: fresh.trim() })).id;
      setLast(id);
      await review.add(id, [run.id]);
      setDone(id);
    } catch (error) {
      setProblem(asProblem(error));
      list.reload();
    }
    setBusy(false);
  };
  return (
    <Dialog title="Queue for review" onClose={onClose}>
      {done ? (
        <div class="stack">
          <p role="status">
            It waits <Link href={`/review/${encodeURIComponent(done)}`}>in the queue</Link> now.
          </p>
          <div class="row end">
            <button type="button" onClick={onClose}>
              Done
            </button>
          </div>
        </div>
      ) : (
        <form class="stack" onSubmit={submit}>
          <Field label="Queue">
            {(attributes) => (
              <select
                {...attributes}
                value={old}
                onChange={(event) => setChosen(event.currentTarget.value)}
              >
                {queues.map((queue) => (
                  <option key={queue.id} value={queue.id}>
                    {queue.name}
                  </option>
                ))}
                <option value="">A new one</option>
              </select>
            )}
          </Field>
          {!old && (
            <Field label="Name of the new queue">
              {(attributes) => (
                <input
                  {...attributes}
                  value={fresh}
                  required
                  maxLength={200}
                  autocomplete="off"
                  onInput={(event) => setFresh(event.currentTarget.value)}
                />
              )}
            </Field>
          )}
          <ProblemBox problem={problem ?? list.problem} />
          <div class="row end">
            <button type="submit" disabled={isBusy || !list.value || (!old && !fresh.trim())}>
              Add
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
