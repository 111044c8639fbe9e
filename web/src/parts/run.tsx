// What became of documents on their way into a collection, so far.
import { type IngestReport, type Job, type NamedFile, type Problem } from '../api';
import { bytes, count, fileName, plural } from '../format';
import { ProblemBox, Progress } from './common';

export interface Failure {
  name: string; // Empty: not of one file.
  why: string;
}

export interface Run {
  address: string; // That the server fetches; empty: files are sent.
  files: number; // That are sent.
  size: number;
  done: number; // Files of the portions that are behind us.
  portion: number; // Files of the one that is on its way.
  sent: number; // 0..1, of that portion
  job: Job<IngestReport> | null; // Of that portion.
  outcome: 'running' | 'done' | 'failed' | 'cancelled';
  added: number;
  updated: number;
  unchanged: number;
  chunks: number;
  failures: Failure[];
  remarks: string[];
  problem: Problem | null;
}

export const begun = (files: NamedFile[], address = ''): Run => ({
  address,
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

function failuresOf(job: Job<IngestReport>, address: string): Failure[] {
  const failed: IngestReport['failed'] = job.result?.failed?.length
    ? job.result.failed
    : job.errors;
  const failures = failed.map(({ uri, error }) =>
    address
      ? { name: uri, why: error.startsWith(`${uri}: `) ? error.slice(uri.length + 2) : error }
      : {
          name: fileName(decodeURIComponent(uri.replace(/%(?![0-9a-f]{2})/gi, '%25'))).replace(
            /^upload:/,
            '',
          ),
          why: error,
        },
  );
  return job.state === 'failed' && job.error
    ? [...failures, { name: '', why: job.error }]
    : failures;
}

export function withJob(run: Run, job: Job<IngestReport>): Run {
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
    failures: [...run.failures, ...failuresOf(job, run.address)],
    remarks: [...run.remarks, ...(result?.warnings ?? [])],
  };
}

function outcomeText(run: Run): string {
  if (run.outcome === 'cancelled') return 'Stopped; what was read stays in';
  const taken = run.added + run.updated + run.unchanged;
  if (run.address && run.failures.length && !taken) return 'Nothing was taken';
  const parts = [
    run.added && `${count(run.added)} added`,
    run.updated && `${count(run.updated)} updated`,
    run.unchanged && `${count(run.unchanged)} unchanged`,
    run.failures.length && `${count(run.failures.length)} failed`,
  ].filter(Boolean);
  if (!parts.length) return run.outcome === 'done' ? 'Nothing was new' : 'Nothing was taken';
  return `${parts.join(', ')} · ${plural(run.chunks, 'new chunk')}`;
}

function fetchText(job: Run['job']): string {
  if (!job) return 'Asking the server';
  const { done, total, current } = job.progress;
  if (job.state === 'queued') return 'Waiting for its turn';
  if (!total) return 'The server fetches it';
  return `${count(done)} of ${plural(total, 'document')} read${current ? ` · ${fileName(current)}` : ''}`;
}

function stateText(run: Run): string {
  if (run.outcome !== 'running') return outcomeText(run);
  const { job } = run;
  const before = run.done ? `${count(run.done)} of ` : '';
  if (run.address) return fetchText(job);
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
  if (run.address) return job?.progress.total ? job.progress.done / job.progress.total : null;
  // Sending is counted as a third of the work, reading and embedding as the rest.
  const inner = job
    ? 1 / 3 + (job.progress.total ? (job.progress.done / job.progress.total) * (2 / 3) : 0)
    : run.sent / 3;
  return run.files ? (run.done + run.portion * inner) / run.files : null;
}

/** The server says what was wrong; this is the way that is always open. */
function Remedy({ run }: { run: Run }) {
  if (!run.problem && !run.failures.length) return null;
  return (
    <p class="note">
      Check the address. A page that only you can see, or that is not on the public internet, can be
      saved and dropped here as a file.
    </p>
  );
}

interface RunViewProps {
  run: Run;
  onStop: () => void;
  onClear: () => void;
}

export function RunView({ run, onStop, onClear }: RunViewProps) {
  const isOver = run.outcome !== 'running';
  return (
    <div class="run" data-testid="upload-run" data-state={run.outcome}>
      <div class="row between">
        <span role="status">{stateText(run)}</span>
        <button type="button" class="quiet small" onClick={isOver ? onClear : onStop}>
          {isOver ? 'Dismiss' : 'Stop'}
        </button>
      </div>
      <Progress share={shareOf(run)} label={run.address ? 'Progress of the fetch' : 'Progress of the upload'} />
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
      {isOver && run.address && <Remedy run={run} />}
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
