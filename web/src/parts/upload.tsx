// Files on their way into a collection: picked or dropped, sent, then read and embedded by a job.
import { useRef, useState } from 'preact/hooks';
import { api, type Job, type Problem } from '../api';
import { bytes, count, plural } from '../format';
import { asProblem, useStop } from '../hooks';
import { fileName } from '../format';
import { ProblemBox, Progress } from './common';
import { Icon } from './icons';

interface Run {
  files: number;
  size: number;
  sent: number; // 0..1
  job: Job | null;
  problem: Problem | null;
}

async function filesBelow(entry: FileSystemEntry, out: File[]): Promise<void> {
  if (out.length >= filesMax) return;
  if (entry.isFile) {
    out.push(
      await new Promise<File>((resolve, reject) =>
        (entry as FileSystemFileEntry).file(resolve, reject),
      ),
    );
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (!entries.length) return;
    for (const inner of entries) await filesBelow(inner, out);
  }
}

const filesMax = 1000; // Of one upload; more is work for `slipway ingest`.

async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry?.())
    .filter((entry) => entry !== null && entry !== undefined);
  if (!entries.length) return [...transfer.files];
  const files: File[] = [];
  for (const entry of entries) await filesBelow(entry, files);
  return files;
}

function stateText(run: Run): string {
  const { job } = run;
  if (run.problem) return 'Nothing more happens';
  if (!job)
    return run.sent < 1
      ? `Sending ${plural(run.files, 'file')}, ${bytes(run.size)}`
      : 'Sent, waiting for the server';
  if (job.state === 'queued') return 'Waiting for its turn';
  if (job.state === 'running')
    return job.progress.total
      ? `${count(job.progress.done)} of ${plural(job.progress.total, job.progress.unit.replace(/s$/, '') || 'document')} read`
      : 'Reading';
  if (job.state === 'cancelled') return 'Stopped; what was read stays in';
  const { result } = job;
  if (!result) return job.state === 'done' ? 'Done' : 'Failed';
  const parts = [
    result.added && `${result.added} added`,
    result.updated && `${result.updated} updated`,
    result.unchanged && `${result.unchanged} unchanged`,
    result.failed?.length && `${result.failed.length} failed`,
  ];
  return `${parts.filter(Boolean).join(', ') || 'Nothing was new'} · ${plural(result.chunks?.new ?? 0, 'new chunk')}`;
}

function failuresOf(job: Job | null): { name: string; why: string }[] {
  if (!job) return [];
  if (job.result?.failed?.length)
    return job.result.failed.map(({ uri, error }) => ({ name: fileName(uri), why: error }));
  const failures = job.errors.map(({ uri, error }) => ({ name: fileName(uri), why: error }));
  return job.state === 'failed' && job.error
    ? [...failures, { name: '', why: job.error }]
    : failures;
}

function RunView({ run, onStop, onClear }: { run: Run; onStop: () => void; onClear: () => void }) {
  const { job } = run;
  const isOver =
    !!run.problem || (job !== null && job.state !== 'queued' && job.state !== 'running');
  const share = isOver
    ? 1
    : job
      ? job.progress.total
        ? job.progress.done / job.progress.total
        : null
      : run.sent;
  const failures = failuresOf(job);
  return (
    <div
      class="run"
      data-testid="upload-run"
      data-state={job?.state ?? (run.problem ? 'failed' : 'sending')}
    >
      <div class="row between">
        <span role="status">{stateText(run)}</span>
        <button type="button" class="quiet small" onClick={isOver ? onClear : onStop}>
          {isOver ? 'Dismiss' : 'Stop'}
        </button>
      </div>
      {!run.problem && <Progress share={share} label="Progress of the upload" />}
      <ProblemBox problem={run.problem} />
      {failures.length > 0 && (
        <div role="alert">
          <ul class="failures">
            {failures.map(({ name, why }) => (
              <li key={name + why}>
                {name && <strong>{name}</strong>} {why}
              </li>
            ))}
          </ul>
        </div>
      )}
      {isOver && (job?.result?.warnings?.length ?? 0) > 0 && (
        <details>
          <summary>{plural(job!.result!.warnings.length, 'remark')}</summary>
          <ul class="muted">
            {job!.result!.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

export function Upload({ collection, onDone }: { collection: string; onDone: () => void }) {
  const [run, setRun] = useState<Run | null>(null);
  const [isOver, setOver] = useState(false);
  const stop = useStop();
  const input = useRef<HTMLInputElement>(null);
  const isBusy =
    run !== null &&
    !run.problem &&
    (run.job === null || run.job.state === 'queued' || run.job.state === 'running');

  const start = async (files: File[]) => {
    if (!files.length || isBusy) return;
    const size = files.reduce((sum, file) => sum + file.size, 0);
    const update = (change: Partial<Run>) => setRun((old) => ({ ...old!, ...change }));
    setRun({ files: files.length, size, sent: 0, job: null, problem: null });
    const signal = stop.take();
    try {
      const job = await api.upload(collection, files, (sent) => update({ sent }), signal);
      update({ job });
      await api.followJob(job.id, (next) => update({ job: next }), signal);
      onDone();
    } catch (error) {
      if (!signal.aborted) update({ problem: asProblem(error) });
      else setRun(null);
    }
  };
  const end = async () => {
    if (!run?.job) return stop.stop();
    await api
      .cancelJob(run.job.id)
      .catch((error) => setRun((old) => old && { ...old, problem: asProblem(error) }));
  };
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
          if (event.dataTransfer) void start(await filesOf(event.dataTransfer));
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
            void start([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
      </div>
      {run && <RunView run={run} onStop={end} onClear={() => setRun(null)} />}
    </section>
  );
}
