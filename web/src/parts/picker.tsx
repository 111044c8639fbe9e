import { api, type Collection } from '../api';
import { type Loaded, useLoaded, useStored } from '../hooks';
import { plural } from '../format';
import { Field } from './common';

export interface Picked {
  name: string; // Empty while there is none.
  choose: (name: string) => void;
  list: Loaded<Collection[]>;
}

/** The collection that questions and searches go to: the one chosen last, if it still exists. */
export function useCollection(): Picked {
  const list = useLoaded((signal) => api.collections(signal), 'collections');
  const [stored, choose] = useStored('collection', '');
  const known = list.value ?? [];
  const name = known.some((c) => c.name === stored) ? stored : (known[0]?.name ?? '');
  return { name, choose, list };
}

export function CollectionPicker({ picked }: { picked: Picked }) {
  const known = picked.list.value ?? [];
  return (
    <Field label="Collection" class="picker">
      {(attributes) => (
        <select
          {...attributes}
          value={picked.name}
          disabled={!known.length}
          onChange={(event) => picked.choose(event.currentTarget.value)}
        >
          {known.length === 0 && (
            <option value="">{picked.list.isLoading ? 'Loading' : 'None yet'}</option>
          )}
          {known.map((c) => (
            <option key={c.name} value={c.name}>
              {c.name} ({plural(c.documents, 'document')})
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
