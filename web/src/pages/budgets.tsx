// Who may spend how much, what was spent, and what every call reserved and gave back.
import { useEffect, useState } from 'preact/hooks';
import { count, money, plural, short, shortTime, time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import { type Budget, type LedgerEntry, observe, type Spent } from '../observe';
import { Confirm, Empty, Page, ProblemBox, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { ApproveDialog, BudgetDialog } from '../parts/budget_dialog';
import { Link, navigate } from '../router';

const periodNames: Record<string, string> = { hour: 'an hour', day: 'a day', month: 'a month' };
export const scopeText = (scope: Record<string, string>): string => {
  const parts = Object.entries(scope).map(([name, value]) =>
    value === '*' ? `each ${name}` : `${name} ${value}`,
  );
  return parts.length ? parts.join(', ') : 'every call';
};

/** What is spent, what is held, what is left: one bar, and the same in words. */
function LimitBar({
  spent,
  reserved,
  limit,
  show,
}: {
  spent: number;
  reserved: number;
  limit: number;
  show: (value: number) => string;
}) {
  const share = (value: number) => (limit > 0 ? Math.min(1, value / limit) : value > 0 ? 1 : 0);
  const used = share(spent + reserved);
  const look = used >= 1 ? 'full' : used >= 0.8 ? 'high' : '';
  return (
    <div class="limit">
      <div
        class={`limit-bar ${look}`}
        role="img"
        aria-label={`${show(spent)} of ${show(limit)} spent`}
      >
        <span class="limit-spent" style={{ width: `${share(spent) * 100}%` }} />
        <span class="limit-reserved" style={{ width: `${(used - share(spent)) * 100}%` }} />
      </div>
      <p class="muted">
        <strong>{show(spent)}</strong> of {show(limit)}
        {reserved > 0 && `, ${show(reserved)} held for calls under way`}
      </p>
    </div>
  );
}

const tokens = (value: number) => `${short(value)} tokens`;

export function Bars({ budget, state }: { budget: Budget; state: Spent }) {
  const isWhole = state === budget;
  return (
    <>
      {budget.limit_usd !== null && budget.limit_usd !== undefined && (
        <LimitBar
          spent={state.spent_usd}
          reserved={state.reserved_usd}
          limit={budget.limit_usd + (isWhole ? budget.approved_usd : 0)}
          show={money}
        />
      )}
      {budget.limit_tokens !== null && budget.limit_tokens !== undefined && (
        <LimitBar
          spent={state.spent_tokens}
          reserved={state.reserved_tokens}
          limit={budget.limit_tokens + (isWhole ? budget.approved_tokens : 0)}
          show={tokens}
        />
      )}
    </>
  );
}

const exceedNames: Record<string, string> = {
  reject: 'refused beyond',
  clamp: 'replies shortened to what is left',
  degrade: 'a cheaper model beyond',
  ask: 'asks beyond',
};

function BudgetCard({ budget }: { budget: Budget }) {
  const isShared = Object.values(budget.scope).includes('*');
  return (
    <li class="card collection budget" data-testid="budget" data-budget={budget.name}>
      <h2>
        <Link href={`/budgets/${encodeURIComponent(budget.id)}`}>{budget.name}</Link>
      </h2>
      <p class="muted">
        {scopeText(budget.scope)}
        {periodNames[budget.period] && ` · in ${periodNames[budget.period]}`}
      </p>
      {isShared ? (
        <p>
          {plural(budget.subjects.length, 'of them', 'of them')} so far, {money(budget.spent_usd)}{' '}
          spent
        </p>
      ) : (
        <Bars budget={budget} state={budget} />
      )}
      <p class="muted">
        {plural(budget.admitted, 'call')}
        {budget.refused > 0 && <span class="bad">, {count(budget.refused)} refused</span>}
        {` · ${exceedNames[budget.on_exceed] ?? budget.on_exceed}`}
      </p>
    </li>
  );
}

/** Read again while one looks. */
function useFresh(reload: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && reload(), 4000);
    return () => clearInterval(timer);
  }, [reload]);
}

export function BudgetsPage() {
  useTitle('Budgets');
  const list = useLoaded((signal) => observe.budgets(signal), 'budgets');
  const [isCreating, setCreating] = useState(false);
  useFresh(list.reload);
  const create = (
    <button type="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New budget
    </button>
  );
  return (
    <Page
      title="Budgets"
      lead="Who may spend how much. A call reserves the most that it can cost before it leaves."
      actions={list.value?.length ? create : null}
    >
      {list.problem?.status === 404 ? (
        <Empty icon="budgets" title="This server keeps no budgets" />
      ) : (
        <ProblemBox problem={list.problem} retry={list.reload} />
      )}
      {!list.value && !list.problem && <Waiting lines={5} />}
      {list.value?.length === 0 && (
        <Empty icon="budgets" title="No budgets: nothing limits what calls spend" action={create}>
          One may hold for a project, a user, a session, a key, a model, or for every one of them by
          itself.
        </Empty>
      )}
      <ul class="cards">
        {(list.value ?? []).map((budget) => (
          <BudgetCard key={budget.id} budget={budget} />
        ))}
      </ul>
      {isCreating && (
        <BudgetDialog
          onClose={() => setCreating(false)}
          onDone={(budget) => {
            list.reload();
            navigate(`/budgets/${encodeURIComponent(budget.id)}`);
          }}
        />
      )}
    </Page>
  );
}

function Subjects({ budget }: { budget: Budget }) {
  if (!budget.subjects.length) return null;
  return (
    <section aria-labelledby="subjects-title">
      <h2 id="subjects-title">Who spent</h2>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Of the limit</th>
              <th scope="col" class="number wide-only">
                Calls
              </th>
              <th scope="col" class="number wide-only">
                Refused
              </th>
            </tr>
          </thead>
          <tbody>
            {budget.subjects.map((subject) => (
              <tr key={scopeText(subject.scope)}>
                <td>{scopeText(subject.scope)}</td>
                <td>
                  <Bars budget={budget} state={subject} />
                </td>
                <td class="number wide-only">{count(subject.admitted)}</td>
                <td class="number wide-only">{count(subject.refused)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function LedgerRow({ entry }: { entry: LedgerEntry }) {
  return (
    <tr data-testid="ledger-row" data-kind={entry.kind} data-usd={entry.usd}>
      <td class="wide-only number">{count(entry.seq)}</td>
      <td>{shortTime(entry.time)}</td>
      <td>
        <span
          class={`state ${entry.kind === 'refuse' ? 'gone' : entry.kind === 'settle' ? 'valid' : ''}`}
        >
          {entry.kind}
        </span>
        {entry.scope && <span class="muted"> {scopeText(entry.scope)}</span>}
      </td>
      <td class="number">{entry.usd < 0 ? `−${money(-entry.usd)}` : money(entry.usd)}</td>
      <td class="number wide-only">{count(entry.tokens)}</td>
      <td class="wide-only">
        {entry.trace_id ? (
          <Link href={`/traces/${encodeURIComponent(entry.trace_id)}`}>trace</Link>
        ) : (
          <span class="muted">–</span>
        )}
      </td>
    </tr>
  );
}

function LedgerView({ id, round }: { id: string; round: number }) {
  const [more, setMore] = useState<LedgerEntry[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const first = useLoaded((signal) => observe.ledger(id, '', signal), `ledger ${id} ${round}`);
  const items = [...(first.value?.items ?? []), ...more];
  const next = more.length ? cursor : (first.value?.next_cursor ?? null);
  const load = async () => {
    const list = await observe.ledger(id, next ?? '').catch(() => null);
    if (!list) return;
    setMore([...more, ...list.items]);
    setCursor(list.next_cursor ?? null);
  };
  return (
    <section aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      <ProblemBox problem={first.problem} retry={first.reload} />
      {first.value && items.length === 0 && <p class="muted">No call has come yet.</p>}
      {items.length > 0 && (
        <div class="table slim">
          <table>
            <caption class="hidden">What calls reserved, spent and gave back, in order</caption>
            <thead>
              <tr>
                <th scope="col" class="wide-only number">
                  No.
                </th>
                <th scope="col">Time</th>
                <th scope="col">What</th>
                <th scope="col" class="number">
                  Dollars
                </th>
                <th scope="col" class="number wide-only">
                  Tokens
                </th>
                <th scope="col" class="wide-only">
                  Call
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((entry) => (
                <LedgerRow key={entry.seq} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <div class="row more">
          <button type="button" class="quiet" onClick={() => void load()}>
            Show more
          </button>
        </div>
      )}
    </section>
  );
}

function Facts({ budget }: { budget: Budget }) {
  const approved = [
    budget.approved_usd > 0 && money(budget.approved_usd),
    budget.approved_tokens > 0 && tokens(budget.approved_tokens),
  ].filter(Boolean);
  const facts: [string, string | false][] = [
    ['Calls', count(budget.admitted)],
    ['Refused', count(budget.refused)],
    ['Begins anew', budget.resets_at ? time(budget.resets_at) : 'never'],
    [
      'When it is used up',
      `${exceedNames[budget.on_exceed] ?? budget.on_exceed}${budget.degrade_to ? `: ${budget.degrade_to}` : ''}`,
    ],
    ['Approved beyond', approved.length > 0 && approved.join(', ')],
    ['From', budget.source !== 'api' && budget.source],
  ];
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== false && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

function Actions({ budget, onChange }: { budget: Budget; onChange: () => void }) {
  const [open, setOpen] = useState<'edit' | 'approve' | 'remove' | null>(null);
  const close = () => setOpen(null);
  return (
    <div class="row">
      <button type="button" class="quiet small" onClick={() => setOpen('approve')}>
        Approve more
      </button>
      {budget.source === 'api' && (
        <>
          <button type="button" class="quiet small" onClick={() => setOpen('edit')}>
            Change
          </button>
          <button type="button" class="quiet small" onClick={() => setOpen('remove')}>
            <Icon name="trash" /> Delete
          </button>
        </>
      )}
      {open === 'edit' && <BudgetDialog budget={budget} onClose={close} onDone={onChange} />}
      {open === 'approve' && <ApproveDialog budget={budget} onClose={close} onDone={onChange} />}
      {open === 'remove' && (
        <Confirm
          title={`Delete ${budget.name}?`}
          verb="Delete"
          onClose={close}
          onConfirm={async () => {
            await observe.removeBudget(budget.id);
            navigate('/budgets', 'replace');
          }}
        >
          Its ledger goes with it, and nothing holds these calls back any more.
        </Confirm>
      )}
    </div>
  );
}

export function BudgetPage({ id }: { id: string }) {
  const budget = useLoaded((signal) => observe.budget(id, signal), `budget ${id}`);
  const [round, setRound] = useState(0);
  const value = budget.value;
  useTitle(value?.name ?? 'Budget');
  useFresh(budget.reload);
  const calls = value ? value.admitted + value.refused : 0;
  useEffect(() => setRound(calls), [calls]);
  return (
    <Page
      title={value?.name ?? 'Budget'}
      lead={
        <>
          <Link href="/budgets">All budgets</Link>
          {value && ` · ${scopeText(value.scope)}`}
          {value && periodNames[value.period] && ` · in ${periodNames[value.period]}`}
        </>
      }
      actions={value && <Actions budget={value} onChange={budget.reload} />}
    >
      <ProblemBox problem={budget.problem} retry={budget.reload} />
      {!value && !budget.problem && <Waiting lines={6} />}
      {value && (
        <>
          {!Object.values(value.scope).includes('*') && <Bars budget={value} state={value} />}
          <Facts budget={value} />
          {value.alerts.length > 0 && (
            <ul>
              {value.alerts.map((alert) => (
                <li key={`${alert.at} ${alert.webhook}`} class="muted">
                  At {Math.round(alert.at * 100)} % to <code>{alert.webhook}</code>
                  {alert.fired_at && `, told ${time(alert.fired_at)}`}
                </li>
              ))}
            </ul>
          )}
          <Subjects budget={value} />
          <LedgerView key={id} id={id} round={round} />
        </>
      )}
    </Page>
  );
}
