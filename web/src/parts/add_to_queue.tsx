// Puts a run into a queue, an old or a new one, where a person will look at it.
import type { RunHead } from '../observe';
import { review } from '../review';
import { Link } from '../router';
import { AddTo } from './add_to';

export function AddToQueue({ run, onClose }: { run: RunHead; onClose: () => void }) {
  return (
    <AddTo
      title="Queue for review"
      noun="queue"
      list={(signal) => review.queues(signal)}
      add={async ({ id, name }) => {
        const queue = id ?? (await review.create({ name })).id;
        await review.add(queue, [run.id]);
        return (
          <>
            It waits <Link href={`/review/${encodeURIComponent(queue)}`}>in the queue</Link> now.
          </>
        );
      }}
      onClose={onClose}
    />
  );
}
