// Puts a run's inputs and outputs into a dataset, an old or a new one.
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { asProblem, useLoaded, useStored } from '../hooks';
import { observe } from '../observe';
import { Dialog, Field, ProblemBox } from './common';

export function AddToDataset({ run, onClose }: { run: string; onClose: () => void }) {
  const list = useLoaded((signal) => observe.datasets(signal), 'datasets');
  const [last, setLast] = useStored('dataset', '');
  const [chosen, setChosen] = useState<string | null>(null);
  const [fresh, setFresh] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [added, setAdded] = useState('');
  const names = (list.value ?? []).map((dataset) => dataset.name);
  const old = chosen ?? (names.includes(last) ? last : (names[0] ?? ''));
  const name = old || fresh.trim();
  const add = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      if (!names.includes(name)) await observe.createDataset(name);
      await observe.addExample(name, run);
      setLast(name);
      setAdded(name);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return (
    <Dialog title="Add to dataset" onClose={onClose}>
      {added ? (
        <div class="stack">
          <p role="status">It is in {added} now.</p>
          <div class="row end">
            <button type="button" onClick={onClose}>
              Done
            </button>
          </div>
        </div>
      ) : (
        <form class="stack" onSubmit={add}>
          <p>The run's inputs and outputs become an example.</p>
          <Field label="Dataset">
            {(attributes) => (
              <select
                {...attributes}
                value={old}
                onChange={(event) => setChosen(event.currentTarget.value)}
              >
                {names.map((one) => (
                  <option key={one}>{one}</option>
                ))}
                <option value="">A new one</option>
              </select>
            )}
          </Field>
          {!old && (
            <Field label="Name of the new dataset">
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
            <button type="submit" disabled={isBusy || !name}>
              Add
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
