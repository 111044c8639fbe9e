// Threads of agents, newest first, with what each is doing.
import { useEffect } from 'preact/hooks';
import { agents, threadHref, type ThreadStatus } from '../agents';
import { time } from '../format';
import { useLoaded } from '../hooks';
import { Link } from '../router';
import { Empty, ProblemBox, Waiting } from './common';
import { usePageQuery } from './marks';
import { Select } from './select';

const looks: Record<ThreadStatus, readonly [string, string]> = {
  idle: ['idle', ''],
  busy: ['running', 'stale'],
  interrupted: ['waits for an answer', 'stale'],
  failed: ['failed', 'gone'],
};

export function ThreadMark({ status }: { status: ThreadStatus }) {
  const [word, look] = looks[status];
  return (
    <span class={`state ${look}`} data-testid="thread-status">
      {word}
    </span>
  );
}

const states = [
  ['', 'Any state'],
  ['busy', 'Running'],
  ['interrupted', 'Waiting for an answer'],
  ['failed', 'Failed'],
  ['idle', 'Idle'],
] as const;

const pauseMs = 3000;

/** `agent` empty: of all agents. */
export function AgentThreads({ agent }: { agent: string }) {
  const page = usePageQuery();
  const status = page.get('status');
  const list = useLoaded(
    (signal) => agents.threads({ agent, status, limit: 200 }, signal),
    `threads ${agent} ${status}`,
  );
  const isMoving = list.value?.some((thread) => thread.status === 'busy') ?? false;
  useEffect(() => {
    if (!isMoving) return;
    const timer = setInterval(() => document.hidden || list.reload(), pauseMs);
    return () => clearInterval(timer);
  }, [isMoving]);
  return (
    <div class="stack">
      <Select
        label="State"
        value={status}
        options={states.map(([value, name]) => ({ value, name }))}
        onChange={(next) => page.set({ status: next })}
      />
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={5} />}
      {list.value?.length === 0 && (
        <Empty icon="agents" title={status ? 'No thread is in this state' : 'No threads yet'}>
          {status ? 'Choose another state.' : 'Each run of an agent stands in a thread.'}
        </Empty>
      )}
      {list.value && list.value.length > 0 && (
        <div class="table" tabIndex={0} role="group" aria-label="Threads">
          <table>
            <thead>
              <tr>
                <th scope="col">Thread</th>
                {!agent && <th scope="col">Agent</th>}
                <th scope="col">State</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {list.value.map((thread) => (
                <tr key={thread.thread} data-testid="thread" data-thread={thread.thread}>
                  <td>
                    <Link href={threadHref(thread.agent, thread.thread)}>{thread.thread}</Link>
                  </td>
                  {!agent && <td>{thread.agent}</td>}
                  <td>
                    <ThreadMark status={thread.status} />
                  </td>
                  <td class="muted">{time(thread.updated_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
