// One thread of an agent: a run as it goes on, its questions, its checkpoints and its calls.
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  agentHref,
  agents,
  type Drawing,
  type LedgerRow,
  type Replay,
  type ResumeWish,
  type Run,
} from '../agents';
import { after, type Live, marksOf, nothingYet } from '../agents_live';
import type { Problem } from '../api';
import { count, dollars, plural, time } from '../format';
import { asProblem, useLoaded, useStop, useTitle } from '../hooks';
import { Checkpoints } from '../parts/agent_checkpoints';
import { AgentGraph } from '../parts/agent_graph';
import { Question } from '../parts/agent_questions';
import { Steps } from '../parts/agent_steps';
import { ThreadMark } from '../parts/agent_threads';
import { Confirm, Dialog, Page, ProblemBox, Progress, Tabs, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { JsonView } from '../parts/json_view';
import { usePageQuery } from '../parts/marks';
import { Select } from '../parts/select';
import { Link, navigate } from '../router';

/** The run as its events tell it; drawn at most once a frame. */
function useLive(thread: string, run: string, round: number, onEnd: () => void) {
  const [live, setLive] = useState<Live>(nothingYet);
  const [problem, setProblem] = useState<Problem | null>(null);
  const current = useRef<Live>(nothingYet);
  const frame = useRef(0);
  const latest = useRef(onEnd);
  latest.current = onEnd;
  const stop = useStop();
  useEffect(() => {
    if (!run) return;
    const signal = stop.take();
    current.current = nothingYet;
    const draw = () => {
      if (frame.current) return;
      frame.current = requestAnimationFrame(() => {
        frame.current = 0;
        setLive(current.current);
      });
    };
    const go = async () => {
      try {
        await agents.follow(
          thread,
          run,
          (event) => {
            if (signal.aborted) return;
            current.current = after(current.current, event);
            draw();
          },
          signal,
        );
        if (signal.aborted) return;
        // What the events could not tell, the result does.
        const { status, result } = await agents.run(thread, run, signal);
        current.current = {
          ...current.current,
          status,
          result,
          interrupts: result?.interrupts ?? current.current.interrupts,
        };
        setProblem(null);
      } catch (error) {
        if (!signal.aborted) setProblem(asProblem(error));
      }
      if (signal.aborted) return;
      draw();
      latest.current();
    };
    void go();
    return () => {
      stop.stop();
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    };
  }, [thread, run, round]);
  return { live, problem };
}

function Spent({ live, drawing }: { live: Live; drawing: Drawing | null }) {
  const used = live.result?.usage ?? live.budget?.settled;
  if (!used) return null;
  const limits = drawing?.budget;
  const rows = (['tokens', 'usd', 'calls'] as const).flatMap((name) => {
    const value = used[name] ?? 0;
    const left = live.budget?.left?.[name];
    const limit =
      typeof left === 'number'
        ? left + value + (live.result ? 0 : (live.budget?.reserved?.[name] ?? 0))
        : limits?.[name];
    const show = name === 'usd' ? dollars : count;
    const unit = name === 'usd' ? '' : name;
    return typeof limit === 'number' && limit > 0
      ? [
          {
            name,
            text: `${show(value)} of ${show(limit)} ${unit}`,
            left: `${show(Math.max(0, left ?? limit - value))} ${unit}`.trim(),
            share: value / limit,
          },
        ]
      : [];
  });
  return (
    <section class="card stack tight" aria-label="Spent" data-testid="spent">
      <p class="trace-summary">
        <span>{plural(used.tokens ?? 0, 'token')}</span>
        <span>{plural(used.calls ?? 0, 'call')}</span>
        <span>{dollars(used.usd ?? 0)}</span>
        {rows.length > 0 && (
          <span class="muted" data-testid="left">
            {rows.map((row) => row.left).join(', ')} left
          </span>
        )}
      </p>
      {rows.map(({ name, text, share }) => (
        <div key={name} class="spent-row">
          <span class="muted">{text}</span>
          <Progress share={share} label={`Spent ${name}`} />
        </div>
      ))}
    </section>
  );
}

const runWords: Record<string, readonly [string, string]> = {
  pending: ['waits for its turn', 'stale'],
  running: ['running', 'stale'],
  done: ['done', 'valid'],
  failed: ['failed', 'gone'],
  interrupted: ['waits for an answer', 'stale'],
  cancelled: ['cancelled', ''],
};

function ReplayDialog({ report, onClose }: { report: Replay; onClose: () => void }) {
  return (
    <Dialog title="Replay" onClose={onClose}>
      <div class="stack" data-testid="replay-report">
        <p>
          {report.ok
            ? `The same again: ${plural(report.steps ?? 0, 'superstep')}, and no call was made.`
            : 'It went another way.'}
        </p>
        {report.first_difference !== undefined && (
          <section>
            <h3>The first difference</h3>
            <JsonView value={report.first_difference} />
          </section>
        )}
        {report.needs !== undefined && (
          <section>
            <h3>It would need</h3>
            <JsonView value={report.needs} />
          </section>
        )}
      </div>
    </Dialog>
  );
}

function RunActions({ run, live, onChange }: { run: Run; live: Live; onChange: () => void }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [report, setReport] = useState<Replay | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = async (what: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await what();
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  const isRunning = live.status === 'running' || live.status === 'pending';
  const canGoOn = live.status === 'failed' || live.status === 'cancelled';
  const isPaused = live.status === 'interrupted' && live.interrupts.length === 0;
  return (
    <>
      <div class="row">
        {isRunning && (
          <button
            type="button"
            class="quiet small"
            disabled={isBusy}
            onClick={() =>
              void act(async () => {
                await agents.cancel(run.thread, run.run);
                onChange();
              })
            }
          >
            <Icon name="stop" /> Stop
          </button>
        )}
        {(canGoOn || isPaused) && (
          <button
            type="button"
            class="small"
            disabled={isBusy}
            onClick={() =>
              void act(async () => {
                await agents.resume(run.thread, {});
                onChange();
              })
            }
          >
            Go on
          </button>
        )}
        {!isRunning && (
          <button
            type="button"
            class="quiet small"
            disabled={isBusy}
            onClick={() =>
              void act(async () => setReport(await agents.replay(run.thread, run.run)))
            }
          >
            <Icon name="replay" /> Replay
          </button>
        )}
      </div>
      <ProblemBox problem={problem} />
      {report && <ReplayDialog report={report} onClose={() => setReport(null)} />}
    </>
  );
}

function ResultView({ live }: { live: Live }) {
  const { result } = live;
  if (!result) return null;
  return (
    <section
      class="card stack tight"
      aria-label="Result"
      data-testid="result"
      data-status={live.status}
    >
      {result.error && (
        <div class="problem" role="alert">
          <p>
            {result.error.node && `${result.error.node}: `}
            {result.error.kind}: {result.error.message}
          </p>
        </div>
      )}
      {result.finished_early && (
        <p class="muted">The budget was spent, so it finished early.</p>
      )}
      <h3>Output</h3>
      <JsonView value={result.output} />
    </section>
  );
}

const callLooks: Record<string, string> = { done: 'valid', failed: 'gone', unknown: 'gone' };

function Calls({ thread, round }: { thread: string; round: string }) {
  const list = useLoaded((signal) => agents.ledger(thread, signal), `${thread} ${round}`);
  return (
    <>
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={5} />}
      {list.value?.length === 0 && <p class="muted">No model and no tool was called yet.</p>}
      {list.value && list.value.length > 0 && (
        <div class="table calls" tabIndex={0} role="group" aria-label="Calls">
          <table>
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Called</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Tokens
                </th>
                <th scope="col" class="number">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {list.value.map((row: LedgerRow) => (
                <tr key={row.key} data-testid="call">
                  <td>{row.node}</td>
                  <td>
                    {row.model !== undefined ? 'model' : 'tool'}{' '}
                    <code>{String(row.model ?? row.tool ?? '')}</code>
                  </td>
                  <td>
                    <span class={`state ${callLooks[row.state] ?? 'stale'}`}>{row.state}</span>
                  </td>
                  <td class="number">{count(Number(row.tokens ?? 0))}</td>
                  <td class="number">{dollars(Number(row.usd ?? 0))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

const tabs = [
  ['run', 'Run'],
  ['checkpoints', 'Checkpoints'],
  ['calls', 'Calls'],
] as const;

export function AgentThreadPage({ agent, thread }: { agent: string; thread: string }) {
  useTitle(`${agent} ${thread}`);
  const page = usePageQuery();
  const tab = tabs.find(([one]) => one === page.get('tab'))?.[0] ?? 'run';
  const info = useLoaded((signal) => agents.thread(thread, signal), thread);
  const runs = useLoaded((signal) => agents.runs(thread, signal), `runs ${thread}`);
  const drawing = useLoaded((signal) => agents.drawing(agent, signal), `graph ${agent}`);
  const [round, setRound] = useState(0);
  const [chosen, setChosen] = useState('');
  const [isRemoving, setRemoving] = useState(false);
  const run = page.get('run') || runs.value?.[0]?.run || '';
  const known = runs.value?.find((one) => one.run === run);
  const reload = () => {
    info.reload();
    runs.reload();
  };
  const { live, problem } = useLive(thread, run, round, reload);
  const [word, look] = runWords[live.status] ?? [live.status, ''];
  /** A run begins, or the one that is shown goes on. */
  const follow = (next: Run) => {
    page.set({ run: null, tab: null }, 'replace');
    if (next.run === run) setRound((n) => n + 1);
    reload();
  };
  const resume = async (wish: ResumeWish) => follow(await agents.resume(thread, wish));
  const key = `${round} ${run} ${live.status} ${live.steps.length}`;
  return (
    <Page
      title={thread}
      isWide
      lead={
        <>
          <Link href={agentHref(agent)}>{agent}</Link>{' '}
          {info.value && <ThreadMark status={info.value.status} />}
        </>
      }
      actions={
        <button
          type="button"
          class="bare"
          aria-label="Remove this thread"
          title="Remove"
          onClick={() => setRemoving(true)}
        >
          <Icon name="trash" />
        </button>
      }
    >
      <Tabs
        label="Thread"
        value={tab}
        options={tabs}
        onChange={(next) => page.set({ tab: next === 'run' ? null : next })}
      />
      <ProblemBox problem={info.problem ?? runs.problem} retry={reload} />
      {tab === 'checkpoints' && (
        <Checkpoints thread={thread} round={key} drawing={drawing.value} onFork={resume} />
      )}
      {tab === 'calls' && <Calls thread={thread} round={key} />}
      {tab === 'run' && (
        <div class="agent-columns thread-columns">
          <div class="stack thread-asks">
            {(runs.value?.length ?? 0) > 1 && (
              <Select
                label="Run"
                value={run}
                options={runs.value!.map((one) => ({
                  value: one.run,
                  name: `${time(one.created_at)} · ${runWords[one.status]?.[0] ?? one.status}`,
                }))}
                onChange={(next) => page.set({ run: next })}
              />
            )}
            {runs.value?.length === 0 && <p class="muted">Nothing has run in this thread yet.</p>}
            {run && (
              <div class="row between" data-testid="run-head" data-status={live.status}>
                <span role="status">
                  <span class={`state ${look}`}>{word}</span>{' '}
                  <span class="muted">{plural(live.steps.length, 'step')}</span>
                </span>
                {known && <RunActions run={known} live={live} onChange={() => follow(known)} />}
              </div>
            )}
            <ProblemBox problem={problem} />
            {live.status === 'interrupted' &&
              live.interrupts.map((interrupt) => (
                <Question
                  key={interrupt.id}
                  interrupt={interrupt}
                  schema={drawing.value?.nodes.find((node) => node.name === interrupt.node)?.schema}
                  send={(answer) => resume({ answers: { [interrupt.id]: answer } })}
                />
              ))}
          </div>
          <div class="stack tight graph-side">
            {drawing.value && (
              <AgentGraph
                drawing={drawing.value}
                marks={marksOf(live)}
                chosen={chosen}
                onChoose={(name) => setChosen(name === chosen ? '' : name)}
              />
            )}
          </div>
          <div class="stack thread-rest">
            <ResultView live={live} />
            <Spent live={live} drawing={drawing.value} />
            {chosen && (
              <p class="muted">
                Only what {chosen} did.{' '}
                <button type="button" class="link" onClick={() => setChosen('')}>
                  Show all
                </button>
              </p>
            )}
            <Steps live={live} chosen={chosen} />
          </div>
        </div>
      )}
      {isRemoving && (
        <Confirm
          title="Remove this thread"
          verb="Remove"
          onConfirm={async () => {
            await agents.removeThread(thread);
            navigate(`${agentHref(agent)}?tab=threads`);
          }}
          onClose={() => setRemoving(false)}
        >
          <p>Its runs, checkpoints and calls are gone with it.</p>
        </Confirm>
      )}
    </Page>
  );
}
