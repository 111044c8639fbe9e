// The supersteps of a run: what each node did, what models say while they say it, and what the state became.
import type { KeyChange, Live, LiveCall, LiveStep, LiveTask } from '../agents_live';
import { changesOf } from '../agents_live';
import { diff } from './diff';
import { JsonView, LongText } from './json_view';
import { Pieces } from './pieces';

const words = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);
const isShort = (value: unknown): boolean =>
  value === undefined || value === null || typeof value !== 'object'
    ? words(value ?? null).length < 400
    : JSON.stringify(value).length < 200;

function TextChange({ before, after }: { before: string; after: string }) {
  return (
    <div class="diff-side state-diff">
      <Pieces pieces={diff(before, after)} />
    </div>
  );
}

/** Numbers and the like are read as a whole, not digit by digit. */
function ScalarChange({ before, after }: { before: unknown; after: unknown }) {
  return (
    <p class="scalar-change">
      <del>{words(before ?? null)}</del> <span aria-hidden="true">→</span>{' '}
      <ins>{words(after ?? null)}</ins>
    </p>
  );
}

function Change({ change }: { change: KeyChange }) {
  const { kind, before, after: now, added } = change;
  if (kind === 'grown')
    return (
      <>
        {added!.map((item, i) =>
          isShort(item) ? (
            <ins key={i} class="block">
              + {typeof item === 'string' ? item : JSON.stringify(item)}
            </ins>
          ) : (
            <JsonView key={i} value={item} />
          ),
        )}
      </>
    );
  const isScalar = (value: unknown) => typeof value !== 'object' && typeof value !== 'string';
  if (kind === 'changed' && (isScalar(before) || isScalar(now)) && isShort(before) && isShort(now))
    return <ScalarChange before={before} after={now} />;
  if (kind === 'changed' && (typeof before === 'string' || isShort(before)) && isShort(now))
    return <TextChange before={words(before)} after={words(now)} />;
  if (kind === 'changed' && typeof before === 'string' && typeof now === 'string')
    return <TextChange before={before} after={now} />;
  if (kind === 'gone') return <del>{words(before).slice(0, 200)}</del>;
  return typeof now === 'string' ? <LongText text={now} /> : <JsonView value={now} />;
}

const changeWords = { new: 'new', changed: 'changed', gone: 'gone', grown: 'grown' } as const;

export function StateChanges({
  before,
  after: now,
}: {
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}) {
  const changes = changesOf(before, now);
  if (!changes.length) return <p class="muted">The state stays as it was.</p>;
  return (
    <dl class="state-changes" data-testid="state-changes">
      {changes.map((change) => (
        <div key={change.key} data-key={change.key}>
          <dt>
            <code>{change.key}</code> <span class="state">{changeWords[change.kind]}</span>
          </dt>
          <dd>
            <Change change={change} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function CallView({ call }: { call: LiveCall }) {
  const isOpen = call.state === 'begun';
  return (
    <div class="agent-call" data-testid={`${call.what}-call`} data-state={call.state}>
      <p class={isOpen ? 'working muted' : 'muted'}>
        {call.what} <code>{call.name}</code>
        {call.state !== 'done' && ` ${call.state}`}
      </p>
      {call.text && <LongText text={call.text} class="agent-text" />}
      {call.args !== undefined && (
        <details>
          <summary>Arguments{call.result !== undefined && ' and result'}</summary>
          <JsonView value={call.args} />
          {call.result !== undefined && <JsonView value={call.result} />}
        </details>
      )}
      {call.error && <p class="bad">{call.error}</p>}
    </div>
  );
}

const taskStates = {
  running: ['running', 'stale'],
  done: ['done', 'valid'],
  failed: ['failed', 'gone'],
  stopped: ['waits', 'stale'],
} as const;

function TaskView({ task }: { task: LiveTask }) {
  const [word, look] = taskStates[task.status];
  return (
    <li class={task.path === task.node ? '' : 'sub-task'} data-testid="task" data-node={task.path}>
      <p class="task-head">
        <strong>
          {task.path}
          {task.index !== null && `[${task.index}]`}
        </strong>
        <span class={`state ${look}`}>{word}</span>
        {task.attempt > 1 && <span class="muted">attempt {task.attempt}</span>}
      </p>
      {task.calls.map((call) => (
        <CallView key={`${call.what} ${call.call}`} call={call} />
      ))}
      {task.error && (
        <p class="bad">
          {task.error.kind}: {task.error.message}
        </p>
      )}
    </li>
  );
}

function Step({ step, isChosen }: { step: LiveStep; isChosen: (node: string) => boolean }) {
  const tasks = step.tasks.filter((task) => isChosen(task.path.split('/')[0]!));
  if (!tasks.length && step.tasks.length) return null;
  return (
    <li class="card stack tight agent-step" data-testid="step" data-step={step.step}>
      <h3>
        Step {step.step}
        {!step.after && <span class="state stale">open</span>}
      </h3>
      <ul class="stack tight">
        {tasks.map((task) => (
          <TaskView key={task.key} task={task} />
        ))}
      </ul>
      {step.after && <StateChanges before={step.before ?? {}} after={step.after} />}
    </li>
  );
}

/** `chosen`: only what that node did. */
export function Steps({ live, chosen }: { live: Live; chosen: string }) {
  return (
    <ol class="stack tight agent-steps" aria-label="Steps" data-testid="steps">
      {[...live.steps].reverse().map((step, i) => (
        <Step
          key={`${step.step} ${step.checkpoint || live.steps.length - i}`}
          step={step}
          isChosen={(node) => !chosen || node === chosen}
        />
      ))}
    </ol>
  );
}
