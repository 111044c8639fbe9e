// Puts something into one of several places that have names, or into a new one.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useLoaded, useStored } from '../hooks';
import { Field, FormDialog, InputField } from './common';

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
  const [done, setDone] = useState<ComponentChildren>(null);
  const all = places.value ?? [];
  const remembered = all.find((one) => one.id === last || one.name === last) ?? all[0];
  const old = chosen === null ? remembered : all.find((one) => one.id === chosen);
  const name = old?.name ?? fresh.trim();
  const submit = async () => {
    // One of that name may be there already.
    const place = old ?? all.find((one) => one.name === name) ?? { name };
    try {
      setDone(await add(place));
    } catch (error) {
      places.reload();
      throw error;
    }
    setLast(('id' in place && place.id) || name);
  };
  return (
    <FormDialog
      title={title}
      verb="Add"
      isReady={!!name && !!places.value}
      problem={places.problem}
      onSubmit={submit}
      done={done}
      onClose={onClose}
    >
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
        <InputField
          label={`Name of the new ${noun}`}
          value={fresh}
          required
          maxLength={200}
          autocomplete="off"
          onInput={setFresh}
        />
      )}
      {children}
    </FormDialog>
  );
}
