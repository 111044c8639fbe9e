// Files on their way into a collection: sent in portions, each read and embedded by a job.
import { useRef, useState } from 'preact/hooks';
import { api, type IngestReport, type Job, type NamedFile, Problem } from '../api';
import { bytes, count, fileName, plural } from '../format';
import { asProblem, useStop } from '../hooks';
import { ProblemBox, Progress } from './common';
import { droppedFiles, filesMax, pickedFiles, portionsOf } from './files';
import { Icon } from './icons';

interface Failure {
  name: string; // Empty: not of one file.
  why: string;
}

interface Run {
  files: number;
  size: number;
  done: number; // Files of the portions that are behind us.
  portion: number; // Files of the one that is on its way.
  sent: number; // 0..1, of that portion
  job: Job | null; // Of that portion.
  outcome: 'running' | 'done' | 'failed' | 'cancelled';
  added: number;
  updated: number;
  unchanged: number;
  chunks: number;
  failures: Failure[];
  remarks: string[];
  problem: Problem | null;
}

const begun = (files: NamedFile[]): Run => ({
  files: files.length,
  size: files.reduce((sum, { file }) => sum + file.size, 0),
  done: 0,
  portion: 0,
  sent: 0,
  job: null,
  outcome: 'running',
  added: 0,
  updated: 0,
  unchanged: 0,
  chunks: 0,
  failures: [],
  remarks: [],
  problem: null,
});

function failuresOf(job: Job): Failure[] {
  const failed: IngestReport['failed'] = job.result?.failed?.length
    ? job.result.failed
    : job.errors;
  const failures = failed.map(({ uri, error }) => ({
    name: fileName(decodeURIComponent(uri.replace(/%(?![0-9a-f]{2})/gi, '%25'))).replace(
      /^upload:/,
      '',
    ),
    why: error,
  }));
  return job.state === 'failed' && job.error
    ? [...failures, { name: '', why: job.error }]
    : failures;
}

function withJob(run: Run, job: Job): Run {
  const { result } = job;
  return {
    ...run,
    job,
    done: run.done + run.portion,
    portion: 0,
    added: run.added + (result?.added ?? 0),
    updated: run.updated + (result?.updated ?? 0),
    unchanged: run.unchanged + (result?.unchanged ?? 0),
    chunks: run.chunks + (result?.chunks?.new ?? 0),
    failures: [...run.failures, ...failuresOf(job)],
    remarks: [...run.remarks, ...(result?.warnings ?? [])],
  };
}

function outcomeText(run: Run): string {
  if (run.outcome === 'cancelled') return 'Stopped; what was read stays in';
  const parts = [
    run.added && `${count(run.added)} added`,
    run.updated && `${count(run.updated)} updated`,
    run.unchanged && `${count(run.unchanged)} unchanged`,
    run.failures.length && `${count(run.failures.length)} failed`,
  ].filter(Boolean);
  if (!parts.length) return run.outcome === 'done' ? 'Nothing was new' : 'Nothing was taken';
  return `${parts.join(', ')} · ${plural(run.chunks, 'new chunk')}`;
}

function stateText(run: Run): string {
  if (run.outcome !== 'running') return outcomeText(run);
  const { job } = run;
  const before = run.done ? `${count(run.done)} of ` : '';
  if (!job)
    return run.sent < 1
      ? `Sending ${before}${plural(run.files, 'file')}, ${bytes(run.size)}`
      : 'Sent, waiting for the server';
  if (job.state === 'queued') return 'Waiting for its turn';
  const current = job.progress.current ? ` · ${fileName(job.progress.current)}` : '';
  return `${count(run.done + job.progress.done)} of ${plural(run.files, 'file')} read${current}`;
}

function shareOf(run: Run): number | null {
  if (run.outcome !== 'running') return 1;
  const { job } = run;
  // Sending is counted as a third of the work, reading and embedding as the rest.
  const inner = job
    ? 1 / 3 + (job.progress.total ? (job.progress.done / job.progress.total) * (2 / 3) : 0)
    : run.sent / 3;
  return run.files ? (run.done + run.portion * inner) / run.files : null;
}

interface RunViewProps {
  run: Run;
  onStop: () => void;
  onClear: () => void;
}

function RunView({ run, onStop, onClear }: RunViewProps) {
  const isOver = run.outcome !== 'running';
  return (
    <div class="run" data-testid="upload-run" data-state={run.outcome}>
      <div class="row between">
        <span role="status">{stateText(run)}</span>
        <button type="button" class="quiet small" onClick={isOver ? onClear : onStop}>
          {isOver ? 'Dismiss' : 'Stop'}
        </button>
      </div>
      <Progress share={shareOf(run)} label="Progress of the upload" />
      <ProblemBox problem={run.problem} />
      {run.failures.length > 0 && (
        <div role="alert">
          <ul class="failures">
            {run.failures.map(({ name, why }, i) => (
              <li key={i}>
                {name && <strong>{name}</strong>} {why}
              </li>
            ))}
          </ul>
        </div>
      )}
      {isOver && run.remarks.length > 0 && (
        <details>
          <summary>{plural(run.remarks.length, 'remark')}</summary>
          <ul class="muted">
            {run.remarks.map((remark, i) => (
              <li key={i}>{remark}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function useUpload(collection: string, onDone: () => void) {
  const [run, setRun] = useState<Run | null>(null);
  const stop = useStop();
  const change = (update: (run: Run) => Run) => setRun((old) => old && update(old));

  const send = async (portion: NamedFile[], signal: AbortSignal): Promise<Job> => {
    change((old) => ({ ...old, portion: portion.length, sent: 0, job: null }));
    const made = await api.upload(
      collection,
      portion,
      (sent) => change((old) => ({ ...old, sent })),
      signal,
    );
    change((old) => ({ ...old, job: made }));
    const ended = await api.followJob(made.id, (job) => change((old) => ({ ...old, job })), signal);
    change((old) => withJob(old, ended));
    return ended;
  };
  const start = async (files: NamedFile[]) => {
    if (!files.length) return;
    setRun(begun(files));
    const signal = stop.take();
    try {
      if (files.length > filesMax)
        throw new Problem(0, `these are more than ${count(filesMax)} files; use slipway ingest`);
      let outcome: Run['outcome'] = 'done';
      for (const portion of portionsOf(files)) {
        const job = await send(portion, signal);
        if (job.state === 'failed') outcome = 'failed';
        if (job.state === 'cancelled') outcome = 'cancelled';
        if (outcome === 'cancelled') break;
      }
      change((old) => ({ ...old, outcome }));
    } catch (error) {
      if (signal.aborted) setRun(null);
      else change((old) => ({ ...old, outcome: 'failed', problem: asProblem(error) }));
    }
    onDone();
  };
  const end = async () => {
    if (!run?.job) return stop.stop();
    await api
      .cancelJob(run.job.id)
      .catch((error) => change((old) => ({ ...old, problem: asProblem(error) })));
  };
  return { run, start, end, clear: () => setRun(null) };
}

export function Upload({ collection, onDone }: { collection: string; onDone: () => void }) {
  const [isOver, setOver] = useState(false);
  const { run, start, end, clear } = useUpload(collection, onDone);
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
      {run && <RunView run={run} onStop={end} onClear={clear} />}
    </section>
  );
}
