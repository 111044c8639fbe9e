// One example, written or changed by hand. Of a golden (`input` and texts beside it) there are fields; of any other
// one the JSON as it is.
import { useState } from 'preact/hooks';
import { Problem } from '../api';
import { asProblem } from '../hooks';
import { evaluation, type Example, type ExampleWish } from '../evaluation';
import { Choice, Dialog, Field, InputField, ProblemBox } from './common';
import { splitsOf } from './import_examples';

type Form = 'text' | 'json';
const forms = [
  ['text', 'Texts'],
  ['json', 'JSON'],
] as const;

const pretty = (value: unknown): string =>
  value === null || value === undefined ? '' : JSON.stringify(value, null, 2);

function objectOf(name: string, text: string): Record<string, unknown> | undefined {
  if (!text.trim()) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    throw new Problem(0, `${name}: ${(error as Error).message}`);
  }
  throw new Problem(0, `${name}: a JSON object is needed, like {"input": "How long?"}`);
}

/** The key of the one text that an object is, if it is no more than that. */
function soleText(value: Record<string, unknown> | null): string | null {
  const keys = Object.keys(value ?? {});
  return keys.length === 1 && typeof value![keys[0]!] === 'string' ? keys[0]! : null;
}

function TextField({
  label,
  hint,
  rows,
  value,
  isCode = false,
  isRequired = false,
  onInput,
}: {
  label: string;
  hint?: string;
  rows: number;
  value: string;
  isCode?: boolean;
  isRequired?: boolean;
  onInput: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint}>
      {(attributes) => (
        <textarea
          {...attributes}
          class={isCode ? 'code' : ''}
          rows={rows}
          spellcheck={!isCode}
          required={isRequired}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function ExampleEditor({
  dataset,
  example,
  onDone,
  onClose,
}: {
  dataset: string;
  example?: Example; // Absent: a new one.
  onDone: (id: string) => void;
  onClose: () => void;
}) {
  const inputKey = example ? soleText(example.inputs) : 'input';
  const outputKey = example?.outputs ? soleText(example.outputs) : 'expected_output';
  const mayBeText = inputKey !== null && outputKey !== null;
  const [form, setForm] = useState<Form>(mayBeText ? 'text' : 'json');
  const [input, setInput] = useState(String((inputKey && example?.inputs[inputKey]) || ''));
  const [output, setOutput] = useState(String((outputKey && example?.outputs?.[outputKey]) || ''));
  const [inputs, setInputs] = useState(pretty(example?.inputs ?? { input: '' }));
  const [outputs, setOutputs] = useState(pretty(example?.outputs));
  const { dataset_split: _, ...rest } = example?.metadata ?? {};
  const [metadata, setMetadata] = useState(Object.keys(rest).length ? pretty(rest) : '');
  const [splits, setSplits] = useState((example?.splits ?? []).join(', '));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);

  const wishOf = (): ExampleWish => ({
    inputs: form === 'text' ? { [inputKey!]: input } : (objectOf('inputs', inputs) ?? {}),
    outputs:
      form === 'text'
        ? output
          ? { [outputKey!]: output }
          : undefined
        : objectOf('outputs', outputs),
    metadata: objectOf('metadata', metadata) ?? {},
    splits: splitsOf(splits),
  });
  /** What was written in one form is there in the other one. */
  const change = (next: Form) => {
    try {
      const wish = wishOf();
      setInputs(pretty(wish.inputs));
      setOutputs(pretty(wish.outputs));
      setInput(String((inputKey && wish.inputs[inputKey]) || ''));
      setOutput(String((outputKey && wish.outputs?.[outputKey]) || ''));
      setForm(next);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const wish = wishOf();
      if (example) {
        await evaluation.changeExample(dataset, example.id, wish);
        onDone(example.id);
      } else {
        const { ids } = await evaluation.addExample(dataset, wish);
        onDone(ids[0] ?? '');
      }
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={example ? 'Change the example' : 'Add an example'} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {mayBeText && <Choice label="Write it as" value={form} options={forms} onChange={change} />}
        {form === 'text' ? (
          <>
            <TextField label="Input" rows={4} value={input} isRequired onInput={setInput} />
            <TextField
              label="What should come out"
              hint="Empty: nothing is expected"
              rows={4}
              value={output}
              onInput={setOutput}
            />
          </>
        ) : (
          <>
            <TextField label="Inputs" rows={5} value={inputs} isCode isRequired onInput={setInputs} />
            <TextField
              label="Outputs that are expected"
              rows={5}
              value={outputs}
              isCode
              onInput={setOutputs}
            />
          </>
        )}
        <TextField
          label="Metadata"
          hint='JSON: {"document": "…"} says which cases belong together, {"severity": "critical"} which may never fail'
          rows={2}
          value={metadata}
          isCode
          onInput={setMetadata}
        />
        <InputField
          label="Splits"
          hint="Names with commas between them"
          value={splits}
          autocomplete="off"
          onInput={setSplits}
        />
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="submit" disabled={isBusy}>
            {example ? 'Save' : 'Add'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
