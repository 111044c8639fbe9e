// The checkpoints of a thread, its branches, and going on from any of them.
import { useState } from 'preact/hooks';
import { agents, type Checkpoint, type Drawing, type ResumeWish } from '../agents';
import type { Problem } from '../api';
import { plural } from '../format';
import { asProblem, useLoaded } from '../hooks';
import { StateChanges } from './agent_steps';
import { Dialog, Empty, Field, ProblemBox, Waiting } from './common';
import { JsonView } from './json_view';
import { type Texts, textOfValue, ValueFields, valuesOf } from './value_fields';

function ForkDialog({
  from,
  drawing,
  onFork,
  onClose,
}: {
  from: Checkpoint;
  drawing: Drawing | null;
  onFork: (wish: ResumeWish) => Promise<void>;
  onClose: () => void;
}) {
  const fields = (drawing?.keys ?? []).map(({ name, type }) => ({ name, type }));
  const before: Texts = Object.fromEntries(
    fields.map(({ name, type }) => [name, textOfValue(type, from.state[name])]),
  );
  const [as, setAs] = useState('');
  const [texts, setTexts] = useState<Texts>(before);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const changed = fields.filter(({ name }) => texts[name] !== before[name]);
      const set = valuesOf(changed, texts);
      await onFork({ checkpoint: from.checkpoint, ...(as ? { as, set } : {}) });
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Go on from step ${from.step}`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>
          The thread goes on from here on a new branch; what came later stays in its history.
          {from.next.length > 0 && ` Next: ${from.next.join(', ')}.`}
        </p>
        <Field
          label="With values as if a node had just finished"
          hint="Values go through the reducers of their keys: a list that appends gets longer."
        >
          {(attributes) => (
            <select {...attributes} value={as} onChange={(event) => setAs(event.currentTarget.value)}>
              <option value="">As it was</option>
              {(drawing?.nodes ?? []).map(({ name }) => (
                <option key={name} value={name}>
                  As {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        {as && <ValueFields fields={fields} texts={texts} onChange={setTexts} />}
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" disabled={isBusy}>
            Fork
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const sourceWords = { input: 'input', step: 'step', fork: 'fork' } as const;

function Row({
  entry,
  parent,
  isBranch,
  onFork,
}: {
  entry: Checkpoint;
  parent: Checkpoint | undefined;
  isBranch: boolean;
  onFork: () => void;
}) {
  return (
    <li
      class="card stack tight checkpoint"
      data-testid="checkpoint"
      data-step={entry.step}
      data-source={entry.source}
    >
      <div class="row between">
        <h3>
          {entry.source === 'input' ? 'Input' : `Step ${entry.step}`}{' '}
          <span class={`state ${entry.source === 'fork' ? 'stale' : ''}`}>
            {sourceWords[entry.source]}
          </span>
          {isBranch && <span class="state stale">branches here</span>}
          {entry.interrupts.length > 0 && (
            <span class="state stale">{plural(entry.interrupts.length, 'question')}</span>
          )}
        </h3>
        <button type="button" class="quiet small" onClick={onFork}>
          Fork
        </button>
      </div>
      <p class="muted">
        <code>{entry.checkpoint}</code>
        {entry.next.length > 0 && <> · next {entry.next.join(', ')}</>}
      </p>
      {parent ? (
        <StateChanges before={parent.state} after={entry.state} />
      ) : (
        <StateChanges before={{}} after={entry.state} />
      )}
      <details>
        <summary>The whole state</summary>
        <JsonView value={entry.state} />
      </details>
    </li>
  );
}

export function Checkpoints({
  thread,
  round,
  drawing,
  onFork,
}: {
  thread: string;
  round: string; // Read anew when it changes.
  drawing: Drawing | null;
  onFork: (wish: ResumeWish) => Promise<void>;
}) {
  const list = useLoaded((signal) => agents.history(thread, signal), `${thread} ${round}`);
  const [from, setFrom] = useState<Checkpoint | null>(null);
  const items = list.value ?? [];
  const byId = new Map(items.map((entry) => [entry.checkpoint, entry]));
  const children = new Map<string, number>();
  for (const { parent } of items) if (parent) children.set(parent, (children.get(parent) ?? 0) + 1);
  return (
    <>
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={6} />}
      {list.value?.length === 0 && (
        <Empty icon="agents" title="No checkpoints yet">
          Each superstep of a run leaves one.
        </Empty>
      )}
      <ol class="stack tight" data-testid="checkpoints" aria-label="Checkpoints, newest first">
        {items.map((entry) => (
          <Row
            key={entry.checkpoint}
            entry={entry}
            parent={entry.parent ? byId.get(entry.parent) : undefined}
            isBranch={(children.get(entry.checkpoint) ?? 0) > 1}
            onFork={() => setFrom(entry)}
          />
        ))}
      </ol>
      {from && (
        <ForkDialog from={from} drawing={drawing} onFork={onFork} onClose={() => setFrom(null)} />
      )}
    </>
  );
}
