// Puts runs into a dataset, an old or a new one: one run, with what it should have answered, or all that fit a query.
import { useState } from 'preact/hooks';
import { Problem } from '../api';
import { count, plural } from '../format';
import { asProblem, useLoaded, useStored } from '../hooks';
import { observe, type RunHead } from '../observe';
import { Dialog, Field, ProblemBox } from './common';

export type Examples = { run: RunHead } | { queries: Record<string, string>; total: number };

/** The queries of an address as the route takes them: numbers and JSON as such. */
function traffic(queries: Record<string, string>): Record<string, unknown> {
  const all: Record<string, unknown> = { ...queries };
  for (const name of ['min_latency_ms', 'max_latency_ms'])
    if (queries[name]) all[name] = Number(queries[name]);
  if (queries.filter) all.filter = JSON.parse(queries.filter);
  return all;
}

function parsedOutputs(text: string): unknown {
  if (!text.trim()) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new Problem(0, 'the answer: a JSON object is needed, like {"answer": "five days"}');
}

async function add(name: string, what: Examples, expected: string): Promise<string> {
  if ('run' in what) {
    const { id, trace_id } = what.run;
    await observe.addExample(name, id, trace_id, parsedOutputs(expected));
    return `It is in ${name} now.`;
  }
  const { ids, skipped } = await observe.addTraffic(name, traffic(what.queries));
  const old = skipped > 0 ? `; ${plural(skipped, 'run')} could not be taken or was there` : '';
  return `${plural(ids.length, 'example')} came to ${name}${old}.`;
}

export function AddToDataset({ what, onClose }: { what: Examples; onClose: () => void }) {
  const list = useLoaded((signal) => observe.datasets(signal), 'datasets');
  const [last, setLast] = useStored('dataset', '');
  const [chosen, setChosen] = useState<string | null>(null);
  const [fresh, setFresh] = useState('');
  const [expected, setExpected] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState('');
  const names = (list.value ?? []).map((dataset) => dataset.name);
  const old = chosen ?? (names.includes(last) ? last : (names[0] ?? ''));
  const name = old || fresh.trim();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      if ('run' in what) parsedOutputs(expected);
      if (!names.includes(name)) await observe.createDataset(name);
      setDone(await add(name, what, expected));
      setLast(name);
    } catch (error) {
      setProblem(asProblem(error));
      list.reload();
    }
    setBusy(false);
  };
  if (done)
    return (
      <Dialog title="Add to dataset" onClose={onClose}>
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
    <Dialog title="Add to dataset" onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p>
          {'run' in what
            ? "The run's inputs and outputs become an example."
            : `The first runs of ${count(what.total)} traces become examples, 1,000 at most.`}
        </p>
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
        {'run' in what && (
          <Field label="What it should have answered (JSON)" hint="Empty: what it did answer">
            {(attributes) => (
              <textarea
                {...attributes}
                class="code"
                rows={3}
                spellcheck={false}
                value={expected}
                onInput={(event) => setExpected(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        <ProblemBox problem={problem ?? list.problem} />
        <div class="row end">
          <button type="submit" disabled={isBusy || !name || !list.value}>
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}
