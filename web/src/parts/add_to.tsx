// Puts something into one of several places that have names, or into a new one.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { asProblem, useLoaded, useStored } from '../hooks';
import { Dialog, Field, ProblemBox } from './common';

export interface Place {
  id: string;
  name: string;
}

export function AddTo({
  title,
  noun,
  list,
  add,
  children,
  onClose,
}: {
  title: string;
  /** "dataset": its name is what is remembered of the last choice, too. */
  noun: string;
  list: (signal: AbortSignal) => Promise<Place[]>;
  /** Gives what is told then; `place` has no id where it is to be made first. */
  add: (place: { id?: string; name: string }) => Promise<ComponentChildren>;
  children?: ComponentChildren;
  onClose: () => void;
}) {
  const places = useLoaded(list, `places: ${noun}`);
  const [last, setLast] = useStored(noun, '');
  const [chosen, setChosen] = useState<string | null>(null);
  const [fresh, setFresh] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState<ComponentChildren>(null);
  const all = places.value ?? [];
  const remembered = all.find((one) => one.id === last || one.name === last) ?? all[0];
  const old = chosen === null ? remembered : all.find((one) => one.id === chosen);
  const name = old?.name ?? fresh.trim();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      // One of that name may be there already.
      const place = old ?? all.find((one) => one.name === name) ?? { name };
      setDone(await add(place));
      setLast(('id' in place && place.id) || name);
    } catch (error) {
      setProblem(asProblem(error));
      places.reload();
    }
    setBusy(false);
  };
  if (done !== null)
    return (
      <Dialog title={title} onClose={onClose}>
        <div class="stack">
          <p role="status">{done}</p>
          <div class="row end">
            <button type="button" onClick={onClose}>
              Done
            </button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Field label={noun[0]!.toUpperCase() + noun.slice(1)}>
          {(attributes) => (
            <select
              {...attributes}
              value={old?.id ?? ''}
              onChange={(event) => setChosen(event.currentTarget.value)}
            >
              {all.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
              <option value="">A new one</option>
            </select>
          )}
        </Field>
        {!old && (
          <Field label={`Name of the new ${noun}`}>
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
        {children}
        <ProblemBox problem={problem ?? places.problem} />
        <div class="row end">
          <button type="submit" disabled={isBusy || !name || !places.value}>
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}
