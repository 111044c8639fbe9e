// Documents on their way into a collection: files, sent in portions, or an address that the server fetches; each portion
// is read and embedded by a job.
import { useRef, useState } from 'preact/hooks';
import { api, type IngestReport, type Job, type NamedFile, Problem } from '../api';
import { count } from '../format';
import { asProblem, useStop } from '../hooks';
import { Field } from './common';
import { droppedFiles, filesMax, pickedFiles, portionsOf } from './files';
import { Icon } from './icons';
import { begun, type Run, RunView, withJob } from './run';

function useUpload(collection: string, onDone: () => void) {
  const [run, setRun] = useState<Run | null>(null);
  const stop = useStop();
  const change = (update: (run: Run) => Run) => setRun((old) => old && update(old));

  const follow = async (made: Job<IngestReport>, signal: AbortSignal) => {
    change((old) => ({ ...old, job: made }));
    const ended = await api.followJob<IngestReport>(
      made.id,
      (job) => change((old) => ({ ...old, job })),
      signal,
    );
    change((old) => withJob(old, ended));
    return ended;
  };
  const send = async (portion: NamedFile[], signal: AbortSignal) => {
    change((old) => ({ ...old, portion: portion.length, sent: 0, job: null }));
    const made = await api.upload(
      collection,
      portion,
      (sent) => change((old) => ({ ...old, sent })),
      signal,
    );
    return follow(made, signal);
  };
  /** `work` gives how it ended. */
  const perform = async (
    begin: Run,
    work: (signal: AbortSignal) => Promise<Run['outcome']>,
  ): Promise<Run['outcome']> => {
    setRun(begin);
    const signal = stop.take();
    let outcome: Run['outcome'] = 'failed';
    try {
      outcome = await work(signal);
      change((old) => ({ ...old, outcome }));
    } catch (error) {
      if (signal.aborted) setRun(null);
      else change((old) => ({ ...old, outcome, problem: asProblem(error) }));
    }
    onDone();
    return outcome;
  };
  const start = async (files: NamedFile[]) => {
    if (!files.length) return;
    await perform(begun(files), async (signal) => {
      if (files.length > filesMax)
        throw new Problem(0, `these are more than ${count(filesMax)} files; use slipway ingest`);
      let outcome: Run['outcome'] = 'done';
      for (const portion of portionsOf(files)) {
        const { state } = await send(portion, signal);
        if (state === 'cancelled') return state;
        if (state === 'failed') outcome = state;
      }
      return outcome;
    });
  };
  /** Whether all that is there came in. */
  const fetchFrom = async (address: string): Promise<boolean> => {
    const outcome = await perform(begun([], address), async (signal) => {
      const ended = await follow(await api.addAddress(collection, address, signal), signal);
      if (ended.state !== 'done') return ended.state as Run['outcome'];
      return ended.result?.failed.length ? 'failed' : 'done';
    });
    return outcome === 'done';
  };
  const end = async () => {
    if (!run?.job) return stop.stop();
    await api
      .cancelJob(run.job.id)
      .catch((error) => change((old) => ({ ...old, problem: asProblem(error) })));
  };
  return { run, start, fetchFrom, end, clear: () => setRun(null) };
}

const addressPattern = /^(https?:\/\/|confluence:|file:\/\/|\/)./i;

function AddressForm({
  isBusy,
  onAdd,
}: {
  isBusy: boolean;
  onAdd: (address: string) => Promise<boolean>;
}) {
  const [address, setAddress] = useState('');
  const [error, setError] = useState<string | null>(null);
  const add = async (event: Event) => {
    event.preventDefault();
    const wanted = address.trim();
    if (!addressPattern.test(wanted))
      return setError('This is no whole address; begin with https:// and the name of the host');
    if (await onAdd(wanted)) setAddress('');
  };
  return (
    <form class="row address" onSubmit={add} novalidate>
      <Field
        label="Or add by address"
        error={error}
        hint="The server fetches it; it must be on the public internet"
        class="grow"
      >
        {(attributes) => (
          <input
            {...attributes}
            inputMode="url"
            value={address}
            placeholder="https://"
            maxLength={2048}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => {
              setAddress(event.currentTarget.value);
              setError(null);
            }}
          />
        )}
      </Field>
      <button type="submit" disabled={isBusy || !address.trim()}>
        Add
      </button>
    </form>
  );
}

export function Upload({ collection, onDone }: { collection: string; onDone: () => void }) {
  const [isOver, setOver] = useState(false);
  const { run, start, fetchFrom, end, clear } = useUpload(collection, onDone);
  const input = useRef<HTMLInputElement>(null);
  const isBusy = run?.outcome === 'running';
  return (
    <section aria-label="Add documents">
      <div
        class={`drop ${isOver ? 'over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={async (event) => {
          event.preventDefault();
          setOver(false);
          if (event.dataTransfer && !isBusy) void start(await droppedFiles(event.dataTransfer));
        }}
      >
        <Icon name="upload" />
        <p>
          Drop files or folders here, or{' '}
          <button
            type="button"
            class="link"
            disabled={isBusy}
            onClick={() => input.current?.click()}
          >
            choose files
          </button>
        </p>
        <p class="muted">PDF, Markdown, HTML, Office, e-mail, CSV, JSON, code and more</p>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label="Files to add"
          onChange={(event) => {
            void start(pickedFiles(event.currentTarget.files));
            event.currentTarget.value = '';
          }}
        />
      </div>
      <AddressForm isBusy={isBusy} onAdd={fetchFrom} />
      {run && <RunView run={run} onStop={end} onClear={clear} />}
    </section>
  );
}
