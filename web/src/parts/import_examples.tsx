// Files that become examples.
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { plural } from '../format';
import { asProblem } from '../hooks';
import { evaluation, type Written } from '../evaluation';
import { Dialog, Field, ProblemBox } from './common';

export const importInto = (name: string, files: File[], splits: string): Promise<Written> =>
  evaluation.importFiles(name, files, splitsOf(splits));

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
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState('');
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { ids, skipped } = await importInto(dataset, files, splits);
      setDone(
        `${plural(ids.length, 'example')} came in.${skipped > 0 ? ` ${plural(skipped, 'was', 'were')} there already.` : ''}`,
      );
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return (
    <Dialog title="Import examples" onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {done ? (
          <>
            <p role="status">{done}</p>
            <div class="row end">
              <button type="button" onClick={onClose}>
                Done
              </button>
            </div>
          </>
        ) : (
          <>
            <ImportFields onFiles={setFiles} isRequired />
            <Field label="Splits" hint="Names with commas between them; empty: as the files say">
              {(attributes) => (
                <input
                  {...attributes}
                  value={splits}
                  autocomplete="off"
                  onInput={(event) => setSplits(event.currentTarget.value)}
                />
              )}
            </Field>
            <ProblemBox problem={problem} />
            <div class="row end">
              <button type="submit" disabled={isBusy || !files.length}>
                {isBusy ? 'Reading' : 'Import'}
              </button>
            </div>
          </>
        )}
      </form>
    </Dialog>
  );
}
