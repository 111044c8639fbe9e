// Puts runs into a dataset, an old or a new one: one run, with what it should have answered, or all that fit a query.
import { useState } from 'preact/hooks';
import { Problem } from '../api';
import { count, plural } from '../format';
import { observe, type RunHead } from '../observe';
import { AddTo } from './add_to';
import { Field } from './common';

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
  const [expected, setExpected] = useState('');
  return (
    <AddTo
      title="Add to dataset"
      noun="dataset"
      list={async (signal) =>
        (await observe.datasets(signal)).map(({ name }) => ({ id: name, name }))
      }
      add={async ({ id, name }) => {
        if ('run' in what) parsedOutputs(expected);
        if (!id) await observe.createDataset(name);
        return add(name, what, expected);
      }}
      onClose={onClose}
    >
      {'run' in what ? (
        <Field
          label="What it should have answered (JSON)"
          hint="Empty: what it did answer. The run's inputs become the example's."
        >
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
      ) : (
        <p>The first runs of {count(what.total)} traces become examples, 1,000 at most.</p>
      )}
    </AddTo>
  );
}
