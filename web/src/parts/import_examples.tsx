// Files that become examples.
import { useState } from 'preact/hooks';
import { Problem } from '../api';
import { plural } from '../format';
import { evaluation } from '../evaluation';
import { Field, FormDialog, InputField } from './common';

/** Whether a file holds examples as they are: `inputs` and `outputs`, columns input_… and output_…; else goldens. */
async function holdsExamples(file: File): Promise<boolean> {
  const begin = await file.slice(0, 65_536).text();
  if (/\.ya?ml$/i.test(file.name)) return false;
  if (/\.csv$/i.test(file.name)) {
    const names = (begin.split(/\r?\n/, 1)[0] ?? '').split(',').map((one) => one.replace(/^"|"$/g, ''));
    const goldens = ['input', 'user_input', 'expected_output', 'retrieval_context'];
    return names.some((one) => one.startsWith('input_')) || !names.some((one) => goldens.includes(one));
  }
  return /^\s*\[?\s*\{[^{}]*?"inputs"\s*:/.test(begin) || !/^\s*[[{]/.test(begin);
}

/** How many came in, and how many were there as they are. */
export async function importInto(
  name: string,
  files: File[],
  splits: string,
): Promise<{ added: number; known: number }> {
  const kinds = await Promise.all(files.map(holdsExamples));
  const examples = files.filter((_, i) => kinds[i]);
  const goldens = files.filter((_, i) => !kinds[i]);
  if (goldens.length && splitsOf(splits).length)
    throw new Problem(0, 'splits: goldens name theirs themselves, in metadata.dataset_split');
  const sum = { added: 0, known: 0 };
  if (examples.length) {
    const { ids, skipped } = await evaluation.importFiles(name, examples, splitsOf(splits));
    sum.added += ids.length;
    sum.known += skipped;
  }
  if (goldens.length) {
    const { added, changed, unchanged } = await evaluation.addGoldens(name, goldens);
    sum.added += added + changed;
    sum.known += unchanged;
  }
  return sum;
}

/** "train, test" -> ["train", "test"] */
export const splitsOf = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);

export function ImportFields({
  onFiles,
  isRequired = false,
}: {
  onFiles: (files: File[]) => void;
  isRequired?: boolean;
}) {
  return (
    <Field
      label="Files"
      hint="JSON Lines or CSV: goldens, files of deepeval, RAGAS and LangSmith, or columns input_… and output_…"
    >
      {(attributes) => (
        <input
          {...attributes}
          type="file"
          multiple
          required={isRequired}
          accept=".jsonl,.json,.csv,.ndjson,.yaml,.yml"
          onChange={(event) => onFiles([...(event.currentTarget.files ?? [])])}
        />
      )}
    </Field>
  );
}

export function ImportDialog({
  dataset,
  onDone,
  onClose,
}: {
  dataset: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const [files, setFiles] = useState<File[]>([]);
  const [splits, setSplits] = useState('');
  const [done, setDone] = useState('');
  const submit = async () => {
    const { added, known } = await importInto(dataset, files, splits);
    setDone(
      `${plural(added, 'example')} came in.${known > 0 ? ` ${plural(known, 'was', 'were')} there already.` : ''}`,
    );
    onDone();
  };
  return (
    <FormDialog
      title="Import examples"
      verb="Import"
      busyVerb="Reading"
      isReady={files.length > 0}
      onSubmit={submit}
      done={done}
      onClose={onClose}
    >
      <ImportFields onFiles={setFiles} isRequired />
      <InputField
        label="Splits"
        hint="Names with commas between them; empty: as the files say"
        value={splits}
        autocomplete="off"
        onInput={setSplits}
      />
    </FormDialog>
  );
}
