// Conversations: traces that share a session, the last one first; one of them is read turn by turn.
import { useMemo, useState } from 'preact/hooks';
import { count, milliseconds, money, percent, short, shortTime } from '../format';
import { useLoaded } from '../hooks';
import { observe, type Queries, type StatsRow, type TraceSummary } from '../observe';
import { Empty, ProblemBox, Waiting } from '../parts/common';
import { StatusMark } from '../parts/marks';
import { Link } from '../router';

const batch = 500;

/** The query, and that there is a session. */
function withSession(queries: Queries): Queries {
  const has = { session_id: { $exists: true } };
  let own: unknown = null;
  try {
    own = queries.filter ? JSON.parse(String(queries.filter)) : null;
  } catch {
    return queries; // The server tells what is wrong with it.
  }
  return { ...queries, filter: JSON.stringify(own ? { $and: [own, has] } : has) };
}

interface Thread {
  id: string;
  last: TraceSummary;
  first: TraceSummary;
}

function threadsOf(items: TraceSummary[]): Thread[] {
  const threads = new Map<string, Thread>();
  for (const item of items) {
    if (!item.session_id) continue;
    const thread = threads.get(item.session_id);
    if (thread) thread.first = item;
    else threads.set(item.session_id, { id: item.session_id, last: item, first: item });
  }
  return [...threads.values()];
}

function ThreadRow({ thread, stats }: { thread: Thread; stats: StatsRow | undefined }) {
  const href = `/traces?view=threads&session_id=${encodeURIComponent(thread.id)}`;
  return (
    <tr data-testid="thread-row" data-session-id={thread.id}>
      <td>
        <Link href={href}>{thread.id}</Link>
        <p class="preview">{thread.first.inputs_preview}</p>
        <p class="muted small-facts">
          {[thread.last.project, thread.last.user_id].filter(Boolean).join(' · ')}
        </p>
      </td>
      <td class="number">{stats ? count(stats.traces) : '…'}</td>
      <td class="number wide-only">{stats ? percent(stats.error_rate) : '…'}</td>
      <td class="number wide-only">
        {stats ? short(stats.input_tokens + stats.output_tokens) : '…'}
      </td>
      <td class="number wide-only">{stats ? money(stats.cost_usd) : '…'}</td>
      <td class="number">{shortTime(thread.last.start_time)}</td>
    </tr>
  );
}

function ThreadList({ queries }: { queries: Queries }) {
  const asked = withSession(queries);
  const key = JSON.stringify(asked);
  const [limit, setLimit] = useState(batch);
  const list = useLoaded(
    (signal) => observe.traces({ ...asked, limit: Math.min(1000, limit) }, signal),
    `${key} ${limit}`,
  );
  const stats = useLoaded(
    (signal) => observe.stats({ ...asked, group_by: 'session' }, signal),
    key,
  );
  const threads = useMemo(() => threadsOf(list.value?.items ?? []), [list.value]);
  const rows = useMemo(
    () => new Map((stats.value?.groups ?? []).map((row) => [row.key, row])),
    [stats.value],
  );
  if (!list.value)
    return list.problem ? (
      <ProblemBox problem={list.problem} retry={list.reload} />
    ) : (
      <Waiting lines={6} />
    );
  if (!threads.length)
    return (
      <Empty icon="traces" title="No conversations">
        Traces that name a session (<code>session.id</code>, <code>metadata.session_id</code> or a
        thread) are put together here.
      </Empty>
    );
  return (
    <>
      <p class="trace-summary" role="status">
        <strong>{stats.value ? count(rows.size) : count(threads.length)}</strong> threads
      </p>
      <div class="table traces">
        <table>
          <caption class="hidden">Threads, the last one first</caption>
          <thead>
            <tr>
              <th scope="col">Thread</th>
              <th scope="col" class="number">
                Turns
              </th>
              <th scope="col" class="number wide-only">
                Errors
              </th>
              <th scope="col" class="number wide-only">
                Tokens
              </th>
              <th scope="col" class="number wide-only">
                Cost
              </th>
              <th scope="col" class="number">
                Last
              </th>
            </tr>
          </thead>
          <tbody>
            {threads.map((thread) => (
              <ThreadRow key={thread.id} thread={thread} stats={rows.get(thread.id)} />
            ))}
          </tbody>
        </table>
      </div>
      {list.value.next_cursor && limit < 1000 && (
        <div class="row more">
          <button type="button" class="quiet" onClick={() => setLimit(1000)}>
            Show more
          </button>
        </div>
      )}
    </>
  );
}

function Turn({ item }: { item: TraceSummary }) {
  return (
    <li class="thread-turn" data-trace-id={item.id}>
      <div class="row between">
        <Link href={`/traces/${encodeURIComponent(item.id)}`}>{item.name ?? 'not yet named'}</Link>
        <span class="muted">
          {item.status !== 'ok' && <StatusMark status={item.status} />} {shortTime(item.start_time)}
          {item.latency_ms !== null && ` · ${milliseconds(item.latency_ms)}`}
          {item.cost_usd !== null && ` · ${money(item.cost_usd)}`}
        </span>
      </div>
      {item.inputs_preview && <p class="bubble from-user">{item.inputs_preview}</p>}
      {item.outputs_preview && <p class="bubble">{item.outputs_preview}</p>}
      {item.error && <p class="bad">{item.error.slice(0, 300)}</p>}
    </li>
  );
}

function Conversation({ session, queries }: { session: string; queries: Queries }) {
  const list = useLoaded(
    (signal) => observe.traces({ ...queries, sort: 'start_time', limit: 1000 }, signal),
    JSON.stringify(queries),
  );
  return (
    <section aria-label={`Thread ${session}`} class="stack">
      <div class="row between">
        <h2>{session}</h2>
        <Link href="/traces?view=threads">All threads</Link>
      </div>
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={6} />}
      <ol class="thread">
        {(list.value?.items ?? []).map((item) => (
          <Turn key={item.id} item={item} />
        ))}
      </ol>
      {list.value?.items.length === 0 && <p class="muted">No trace of it fits the filters.</p>}
      {list.value?.next_cursor && <p class="muted">The first 1,000 turns are shown.</p>}
    </section>
  );
}

export function Threads({ queries }: { queries: Queries }) {
  const session = queries.session_id;
  return session ? (
    <Conversation key={session} session={String(session)} queries={queries} />
  ) : (
    <ThreadList queries={queries} />
  );
}
