// Makes a budget, changes one, and allows more of it for a while.
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { asProblem } from '../hooks';
import { type Budget, type BudgetWish, observe } from '../observe';
import { Dialog, Field, ProblemBox } from './common';
import { Icon } from './icons';

const scopes = ['project', 'user', 'session', 'key', 'model', 'trace', 'run'] as const;
const periods = [
  ['total', 'For ever'],
  ['hour', 'Every hour'],
  ['day', 'Every day'],
  ['month', 'Every month'],
] as const;
const answers = [
  ['reject', 'Refuse the call'],
  ['clamp', 'Shorten the reply to what is left'],
  ['degrade', 'Ask a cheaper model'],
  ['ask', 'Refuse until somebody approves more'],
] as const;

interface Draft {
  name: string;
  scope: [string, string][];
  usd: string;
  tokens: string;
  period: string;
  onExceed: string;
  degradeTo: string;
  alerts: { at: string; webhook: string }[];
}

const draftOf = (budget?: Budget): Draft => ({
  name: budget?.name ?? '',
  scope: Object.entries(budget?.scope ?? {}),
  usd: budget?.limit_usd?.toString() ?? '',
  tokens: budget?.limit_tokens?.toString() ?? '',
  period: budget?.period ?? 'month',
  onExceed: budget?.on_exceed ?? 'reject',
  degradeTo: budget?.degrade_to ?? '',
  alerts: (budget?.alerts ?? []).map(({ at, webhook }) => ({
    at: String(Math.round(at * 1e4) / 100),
    webhook,
  })),
});

function wishOf(draft: Draft): BudgetWish {
  return {
    name: draft.name.trim(),
    scope: Object.fromEntries(draft.scope.filter(([, value]) => value.trim())),
    limit_usd: draft.usd ? Number(draft.usd) : undefined,
    limit_tokens: draft.tokens ? Number(draft.tokens) : undefined,
    period: draft.period,
    on_exceed: draft.onExceed,
    degrade_to: draft.onExceed === 'degrade' ? draft.degradeTo.trim() : undefined,
    alerts: draft.alerts
      .filter(({ webhook }) => webhook.trim())
      .map(({ at, webhook }) => ({ at: Number(at) / 100, webhook: webhook.trim() })),
  };
}

type Change = (change: Partial<Draft>) => void;

function ScopeFields({ draft, change }: { draft: Draft; change: Change }) {
  const set = (i: number, entry: [string, string]) =>
    change({ scope: draft.scope.map((old, at) => (at === i ? entry : old)) });
  const free = scopes.filter((name) => !draft.scope.some(([used]) => used === name));
  return (
    <fieldset class="stack tight">
      <legend>Whose calls; none: all of them</legend>
      {draft.scope.map(([name, value], i) => (
        <div key={i} class="row scope-row">
          <select
            aria-label="What"
            value={name}
            onChange={(event) => set(i, [event.currentTarget.value, value])}
          >
            {[name, ...free].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <input
            aria-label={`Which ${name}`}
            value={value}
            placeholder="a name, or * for each"
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => set(i, [name, event.currentTarget.value])}
          />
          <button
            type="button"
            class="bare"
            aria-label={`Without ${name}`}
            onClick={() => change({ scope: draft.scope.filter((_, at) => at !== i) })}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      {free.length > 0 && (
        <div>
          <button
            type="button"
            class="quiet small"
            onClick={() => change({ scope: [...draft.scope, [free[0]!, '']] })}
          >
            <Icon name="plus" /> Narrow down
          </button>
        </div>
      )}
    </fieldset>
  );
}

function AlertFields({ draft, change }: { draft: Draft; change: Change }) {
  const set = (i: number, part: Partial<Draft['alerts'][number]>) =>
    change({ alerts: draft.alerts.map((old, at) => (at === i ? { ...old, ...part } : old)) });
  return (
    <fieldset class="stack tight">
      <legend>Who is told, and when</legend>
      {draft.alerts.map((alert, i) => (
        <div key={i} class="row scope-row">
          <input
            type="number"
            aria-label="At percent of the limit"
            min={1}
            max={1000}
            required
            value={alert.at}
            onInput={(event) => set(i, { at: event.currentTarget.value })}
          />
          <input
            type="url"
            aria-label="Address that is told"
            placeholder="https://…"
            required
            value={alert.webhook}
            onInput={(event) => set(i, { webhook: event.currentTarget.value })}
          />
          <button
            type="button"
            class="bare"
            aria-label="Without this alert"
            onClick={() => change({ alerts: draft.alerts.filter((_, at) => at !== i) })}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <div>
        <button
          type="button"
          class="quiet small"
          onClick={() => change({ alerts: [...draft.alerts, { at: '80', webhook: '' }] })}
        >
          <Icon name="plus" /> Alert
        </button>
      </div>
    </fieldset>
  );
}

/** Dollars or tokens; empty: none. */
function AmountField({
  label,
  value,
  step,
  onChange,
}: {
  label: string;
  value: string;
  step: number | 'any';
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          type="number"
          min={0}
          step={step}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

function LimitFields({ draft, change, isNew }: { draft: Draft; change: Change; isNew: boolean }) {
  return (
    <div class="grid">
      <AmountField
        label="Dollars at most"
        value={draft.usd}
        step="any"
        onChange={(usd) => change({ usd })}
      />
      <AmountField
        label="Tokens at most"
        value={draft.tokens}
        step={1}
        onChange={(tokens) => change({ tokens })}
      />
      {isNew && (
        <Field label="Begins anew">
          {(attributes) => (
            <select
              {...attributes}
              value={draft.period}
              onChange={(event) => change({ period: event.currentTarget.value })}
            >
              {periods.map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Field label="When it is used up">
        {(attributes) => (
          <select
            {...attributes}
            value={draft.onExceed}
            onChange={(event) => change({ onExceed: event.currentTarget.value })}
          >
            {answers.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      {draft.onExceed === 'degrade' && (
        <Field label="The cheaper model">
          {(attributes) => (
            <input
              {...attributes}
              required
              value={draft.degradeTo}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => change({ degradeTo: event.currentTarget.value })}
            />
          )}
        </Field>
      )}
    </div>
  );
}

export function BudgetDialog({
  budget,
  onClose,
  onDone,
}: {
  budget?: Budget;
  onClose: () => void;
  onDone: (budget: Budget) => void;
}) {
  const [draft, setDraft] = useState(() => draftOf(budget));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const change: Change = (part) => setDraft((old) => ({ ...old, ...part }));
  const save = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const { scope, period, ...rest } = wishOf(draft);
      const saved = budget
        ? await observe.changeBudget(budget.id, rest)
        : await observe.createBudget({ scope, period, ...rest });
      onDone(saved);
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={budget ? `Change ${budget.name}` : 'New budget'} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field label="Name">
          {(attributes) => (
            <input
              {...attributes}
              value={draft.name}
              required
              maxLength={100}
              autocomplete="off"
              onInput={(event) => change({ name: event.currentTarget.value })}
            />
          )}
        </Field>
        {!budget && <ScopeFields draft={draft} change={change} />}
        <LimitFields draft={draft} change={change} isNew={!budget} />
        <AlertFields draft={draft} change={change} />
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            disabled={isBusy || !draft.name.trim() || !(draft.usd || draft.tokens)}
          >
            {budget ? 'Save' : 'Create'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function ApproveDialog({
  budget,
  onClose,
  onDone,
}: {
  budget: Budget;
  onClose: () => void;
  onDone: () => void;
}) {
  const open = Object.entries(budget.scope).filter(([, value]) => value === '*');
  const [usd, setUsd] = useState('');
  const [tokens, setTokens] = useState('');
  const [whom, setWhom] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const approve = async (event: Event) => {
    event.preventDefault();
    try {
      await observe.approveBudget(budget.id, {
        usd: usd ? Number(usd) : undefined,
        tokens: tokens ? Number(tokens) : undefined,
        scope: open.length ? whom : undefined,
      });
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title={`Approve more for ${budget.name}`} onClose={onClose}>
      <form class="stack" onSubmit={approve}>
        <p>It holds until the period ends, beside the limit.</p>
        {open.map(([name]) => (
          <Field key={name} label={`For which ${name}`}>
            {(attributes) => (
              <input
                {...attributes}
                required
                value={whom[name] ?? ''}
                autocomplete="off"
                onInput={(event) => setWhom({ ...whom, [name]: event.currentTarget.value })}
              />
            )}
          </Field>
        ))}
        <div class="grid">
          <AmountField label="Dollars more" value={usd} step="any" onChange={setUsd} />
          <AmountField label="Tokens more" value={tokens} step={1} onChange={setTokens} />
        </div>
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="submit" disabled={!usd && !tokens}>
            Approve
          </button>
        </div>
      </form>
    </Dialog>
  );
}
