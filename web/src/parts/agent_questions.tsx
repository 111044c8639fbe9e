// What a run waits for, and how a person answers: approvals, questions, more budget, effects that nobody knows of.
import { useState } from 'preact/hooks';
import type { Interrupt, Limits } from '../agents';
import type { Problem } from '../api';
import { count, dollars, time } from '../format';
import { asProblem } from '../hooks';
import { AreaField, ProblemBox } from './common';
import { JsonView } from './json_view';
import {
  fieldsOfObject,
  fieldsOfSchema,
  type Texts,
  textOfValue,
  type ValueField,
  ValueFields,
  valuesOf,
} from './value_fields';

type Send = (answer: unknown) => Promise<void>;

/** Sends answers; tells what went wrong. */
function useSending(send: Send) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const answer = async (make: () => unknown) => {
    setBusy(true);
    try {
      await send(make());
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return { problem, isBusy, answer };
}

const textsOf = (fields: ValueField[], values: Record<string, unknown>): Texts =>
  Object.fromEntries(fields.map(({ name, type }) => [name, textOfValue(type, values[name])]));

function Approval({ value, send }: { value: any; send: Send }) {
  const args: Record<string, unknown> = value.args ?? {};
  const fields = fieldsOfObject(args);
  const [mode, setMode] = useState<'ask' | 'edit' | 'reject'>('ask');
  const [texts, setTexts] = useState(() => textsOf(fields, args));
  const [reason, setReason] = useState('');
  const { problem, isBusy, answer } = useSending(send);
  const submit = (event: Event) => {
    event.preventDefault();
    if (mode === 'edit')
      void answer(() => ({ edit: { args: { ...args, ...valuesOf(fields, texts) } } }));
    else void answer(() => ({ reject: reason.trim() ? { reason: reason.trim() } : {} }));
  };
  return (
    <form class="stack tight" onSubmit={submit}>
      {value.ask && <p class="question-text">{value.ask}</p>}
      {value.tool && (
        <p class="muted">
          Tool <code>{value.tool}</code>
          {value.risk === 'high' && <span class="state gone risk">high risk</span>}
        </p>
      )}
      {mode === 'edit' ? (
        <ValueFields fields={fields} texts={texts} onChange={setTexts} />
      ) : (
        fields.length > 0 && <JsonView value={args} />
      )}
      {mode === 'reject' && (
        <AreaField label="Why not" rows={2} value={reason} onInput={setReason} />
      )}
      <ProblemBox problem={problem} />
      {mode === 'ask' ? (
        <div class="row">
          <button type="button" disabled={isBusy} onClick={() => void answer(() => 'approve')}>
            Approve
          </button>
          {fields.length > 0 && (
            <button type="button" class="quiet" onClick={() => setMode('edit')}>
              Edit
            </button>
          )}
          <button type="button" class="quiet" onClick={() => setMode('reject')}>
            Reject
          </button>
        </div>
      ) : (
        <div class="row">
          <button type="submit" class={mode === 'reject' ? 'danger' : ''} disabled={isBusy}>
            {mode === 'edit' ? 'Approve with these' : 'Reject'}
          </button>
          <button type="button" class="quiet" onClick={() => setMode('ask')}>
            Back
          </button>
        </div>
      )}
    </form>
  );
}

function Human({ value, schema, send }: { value: unknown; schema: unknown; send: Send }) {
  const fields = fieldsOfSchema(schema);
  const [texts, setTexts] = useState<Texts>({});
  const { problem, isBusy, answer } = useSending(send);
  const plain: ValueField[] = [{ name: 'Answer', type: 'any', isRequired: true }];
  const submit = (event: Event) => {
    event.preventDefault();
    void answer(() => (fields ? valuesOf(fields, texts) : valuesOf(plain, texts).Answer));
  };
  return (
    <form class="stack tight" onSubmit={submit}>
      {typeof value === 'string' ? (
        <p class="question-text">{value}</p>
      ) : (
        <JsonView value={value} />
      )}
      <ValueFields fields={fields ?? plain} texts={texts} onChange={setTexts} />
      <ProblemBox problem={problem} />
      <div class="row">
        <button type="submit" disabled={isBusy}>
          Answer
        </button>
      </div>
    </form>
  );
}

const amounts = (limits: Limits | undefined): string =>
  [
    typeof limits?.tokens === 'number' && `${count(limits.tokens)} tokens`,
    typeof limits?.usd === 'number' && dollars(limits.usd),
    typeof limits?.calls === 'number' && `${count(limits.calls)} calls`,
  ]
    .filter(Boolean)
    .join(', ') || 'nothing';

function MoreBudget({ value, send }: { value: any; send: Send }) {
  const { problem, isBusy, answer } = useSending(send);
  const left: Limits = value.left ?? {};
  const fields: ValueField[] = [
    { name: 'tokens', type: 'int' },
    { name: 'usd', type: 'number' },
    { name: 'calls', type: 'int' },
  ].filter(({ name }) => typeof left[name as keyof Limits] === 'number' || name === 'tokens');
  const [texts, setTexts] = useState<Texts>(() => {
    const missing = (value.needed?.tokens ?? 0) - (left.tokens ?? 0);
    const first: Texts = {};
    if (missing > 0) first.tokens = String(missing);
    return first;
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void answer(() => ({ add: valuesOf(fields, texts) }));
  };
  return (
    <form class="stack tight" onSubmit={submit}>
      <p class="question-text">
        The next call may take {amounts(value.needed)}; left are {amounts(left)}.
      </p>
      <div class="grid">
        <ValueFields fields={fields} texts={texts} onChange={setTexts} />
      </div>
      <ProblemBox problem={problem} />
      <div class="row">
        <button type="submit" disabled={isBusy}>
          Add to the budget
        </button>
      </div>
    </form>
  );
}

function Effect({ value, send }: { value: any; send: Send }) {
  const { problem, isBusy, answer } = useSending(send);
  const [mode, setMode] = useState<'ask' | 'done' | 'fail'>('ask');
  const [texts, setTexts] = useState<Texts>({});
  const field: ValueField = { name: mode === 'done' ? 'Its result' : 'Why', type: 'any' };
  const submit = (event: Event) => {
    event.preventDefault();
    void answer(() => {
      const given = valuesOf([field], texts)[field.name] ?? null;
      return mode === 'done' ? { done: given } : { fail: String(given ?? 'failed') };
    });
  };
  return (
    <form class="stack tight" onSubmit={submit}>
      <p class="question-text">
        The call of <code>{value.tool}</code> was cut off. Nobody knows whether it had its effect.
      </p>
      <JsonView value={value.args} />
      {mode !== 'ask' && <ValueFields fields={[field]} texts={texts} onChange={setTexts} />}
      <ProblemBox problem={problem} />
      {mode === 'ask' ? (
        <div class="row">
          <button type="button" class="quiet" onClick={() => setMode('done')}>
            It was done
          </button>
          <button
            type="button"
            class="quiet"
            disabled={isBusy}
            onClick={() => void answer(() => ({ retry: true }))}
          >
            Call it again
          </button>
          <button type="button" class="quiet" onClick={() => setMode('fail')}>
            It failed
          </button>
        </div>
      ) : (
        <div class="row">
          <button type="submit" disabled={isBusy}>
            Go on
          </button>
          <button type="button" class="quiet" onClick={() => setMode('ask')}>
            Back
          </button>
        </div>
      )}
    </form>
  );
}

const titles = {
  approval: 'Approval',
  human: 'Question',
  budget: 'More budget',
  effect: 'Unknown effect',
} as const;

export function Question({
  interrupt,
  schema,
  send,
}: {
  interrupt: Interrupt;
  schema: unknown;
  send: Send;
}) {
  const { kind, value, path, expires } = interrupt;
  return (
    <section
      class="card question stack tight"
      data-testid="question"
      data-kind={kind}
      aria-label={`${titles[kind]} at ${path}`}
    >
      <header class="row between">
        <h3>
          {titles[kind]} at {path}
        </h3>
        {expires && <span class="muted">until {time(expires)}</span>}
      </header>
      {kind === 'approval' && <Approval value={value} send={send} />}
      {kind === 'human' && <Human value={value} schema={schema} send={send} />}
      {kind === 'budget' && <MoreBudget value={value} send={send} />}
      {kind === 'effect' && <Effect value={value} send={send} />}
    </section>
  );
}
