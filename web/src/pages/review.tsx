// Queues of runs for people to judge, and one run of a queue after the other.
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { count, plural } from '../format';
import { asProblem, useLetters, useLoaded, useStored, useTitle } from '../hooks';
import { observe } from '../observe';
import { Confirm, Dialog, Empty, Field, Page, ProblemBox, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { RunDetail } from '../parts/run_detail';
import { review, type ReviewQueue, type Waiting as WaitingRun } from '../review';
import { Link, navigate } from '../router';

const queuePath = (id: string) => `/review/${encodeURIComponent(id)}`;

function NewQueue({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [rubric, setRubric] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      const wish = { name: name.trim(), rubric_instructions: rubric.trim() || undefined };
      navigate(queuePath((await review.create(wish)).id));
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title="New queue" onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Field label="Name">
          {(attributes) => (
            <input
              {...attributes}
              value={name}
              required
              maxLength={200}
              autocomplete="off"
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="What to look at" hint="Shown beside every run">
          {(attributes) => (
            <textarea
              {...attributes}
              rows={3}
              value={rubric}
              onInput={(event) => setRubric(event.currentTarget.value)}
            />
          )}
        </Field>
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="submit" disabled={!name.trim()}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function QueueCard({ queue }: { queue: ReviewQueue }) {
  const sizes = useLoaded((signal) => review.sizes(queue.id, signal), `sizes ${queue.id}`);
  return (
    <li class="card collection" data-testid="queue" data-queue={queue.name}>
      <h2>
        <Link href={queuePath(queue.id)}>{queue.name}</Link>
      </h2>
      {queue.rubric_instructions && <p>{queue.rubric_instructions}</p>}
      <p class="muted">
        {sizes.value ? `${plural(sizes.value.waiting, 'run')} to look at` : '…'}
        {!!sizes.value?.done && `, ${count(sizes.value.done)} done`}
      </p>
    </li>
  );
}

export function ReviewQueuesPage() {
  useTitle('Review');
  const list = useLoaded((signal) => review.queues(signal), 'review queues');
  const [isCreating, setCreating] = useState(false);
  const create = (
    <button type="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New queue
    </button>
  );
  return (
    <Page
      title="Review"
      lead="Runs that wait for a person: looked at one after the other, scored, kept as examples."
      actions={list.value?.length ? create : null}
    >
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={4} />}
      {list.value?.length === 0 && (
        <Empty icon="check" title="No queues yet" action={create}>
          Runs get into one from their page (Queue for review), or from LangSmith’s clients.
        </Empty>
      )}
      <ul class="cards">
        {(list.value ?? []).map((queue) => (
          <QueueCard key={queue.id} queue={queue} />
        ))}
      </ul>
      {isCreating && <NewQueue onClose={() => setCreating(false)} />}
    </Page>
  );
}

/** What a person says of the run in front, which then makes room for the next one. */
function Verdict({
  queue,
  run,
  onNext,
}: {
  queue: string;
  run: WaitingRun;
  onNext: () => void;
}) {
  // One queue is judged by one key, for the most part: it stays from run to run.
  const [key, setKey] = useStored(`review.${queue}`, 'user_score');
  const [comment, setComment] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const go = async (act: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await act();
      onNext();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const say = (score: number) =>
    go(async () => {
      const text = comment.trim();
      const feedback = { key: key.trim(), score, ...(text ? { comment: text } : {}) };
      await observe.giveFeedback(run.head.id, feedback);
      await review.done(run.item);
    });
  const mayScore = !isBusy && !!key.trim();
  const later = () => go(() => review.putOff(queue, run.item));
  useLetters({
    g: () => mayScore && void say(1),
    b: () => mayScore && void say(0),
    l: () => !isBusy && void later(),
  });
  return (
    <section aria-label="Verdict" class="card stack verdict" data-testid="verdict">
      <div class="row verdicts">
        <button type="button" disabled={!mayScore} title="Key g" onClick={() => void say(1)}>
          <Icon name="check" /> Good, next
        </button>
        <button type="button" disabled={!mayScore} title="Key b" onClick={() => void say(0)}>
          <Icon name="close" /> Bad, next
        </button>
      </div>
      <Field label="Comment">
        {(attributes) => (
          <textarea
            {...attributes}
            rows={2}
            value={comment}
            onInput={(event) => setComment(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Score of" hint="The key under which the score is kept">
        {(attributes) => (
          <input
            {...attributes}
            value={key}
            maxLength={200}
            autocomplete="off"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        )}
      </Field>
      <ProblemBox problem={problem} />
      <div class="row">
        <button
          type="button"
          class="quiet small"
          disabled={isBusy}
          title="To the end of the queue. Key l"
          onClick={() => void later()}
        >
          Later
        </button>
        <button
          type="button"
          class="quiet small"
          disabled={isBusy}
          onClick={() => void go(() => review.done(run.item))}
        >
          Done without a score
        </button>
        <Link class="button quiet small" href={`/traces/${encodeURIComponent(run.head.trace_id)}`}>
          Open its trace
        </Link>
      </div>
    </section>
  );
}

export function ReviewPage({ id }: { id: string }) {
  const [turn, setTurn] = useState(0);
  const [isRemoving, setRemoving] = useState(false);
  const queue = useLoaded((signal) => review.queue(id, signal), `queue ${id}`);
  const sizes = useLoaded((signal) => review.sizes(id, signal), `sizes ${id} ${turn}`);
  const next = useLoaded(
    async (signal) => ({ run: await review.next(id, signal) }),
    `next ${id} ${turn}`,
  );
  useTitle(queue.value?.name ?? 'Review');
  const run = next.value?.run;
  return (
    <Page
      isWide
      title={queue.value?.name ?? 'Review'}
      lead={queue.value?.rubric_instructions ?? undefined}
      actions={
        queue.value && (
          <button type="button" class="quiet" onClick={() => setRemoving(true)}>
            <Icon name="trash" /> Delete
          </button>
        )
      }
    >
      <ProblemBox
        problem={queue.problem ?? next.problem ?? sizes.problem}
        retry={() => setTurn(turn + 1)}
      />
      {sizes.value && (
        <p class="muted" role="status" data-testid="queue-sizes">
          {plural(sizes.value.waiting, 'run')} to look at, {count(sizes.value.done)} done
        </p>
      )}
      {!next.value && !next.problem && <Waiting lines={6} />}
      {run === null && (
        <Empty
          icon="check"
          title="Nothing waits here"
          action={
            <Link class="button" href="/traces">
              To the traces
            </Link>
          }
        >
          Open a run of a trace and choose “Queue for review”.
        </Empty>
      )}
      {run && (
        <div class="reviewing">
          <Verdict key={`${run.item} ${turn}`} queue={id} run={run} onNext={() => setTurn(turn + 1)} />
          <RunDetail key={run.item} head={run.head} />
        </div>
      )}
      {isRemoving && queue.value && (
        <Confirm
          title={`Delete the queue ${queue.value.name}?`}
          verb="Delete"
          onClose={() => setRemoving(false)}
          onConfirm={async () => {
            await review.remove(id);
            navigate('/review');
          }}
        >
          Its runs stay, and so does what was said of them.
        </Confirm>
      )}
    </Page>
  );
}
