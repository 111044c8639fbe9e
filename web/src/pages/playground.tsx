// Asks chat models through the gateway, several beside each other; opened with a run's inputs, it asks them again.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Problem } from '../api';
import { chat, chatModels, type ChatEnd } from '../chat';
import { count, milliseconds, plural } from '../format';
import { asProblem, useLoaded, useStop, useTitle } from '../hooks';
import { observe, type ChatMessage } from '../observe';
import { CopyButton, Empty, Page, ProblemBox, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import {
  type Draft,
  draftOf,
  fresh,
  keepDraft,
  Messages,
  Models,
  namedIn,
  Parameters,
  parametersOf,
  readDraft,
} from '../parts/chat_form';
import { usePageQuery } from '../parts/marks';
import { textOf } from '../parts/messages';
import { PromptVariables } from '../parts/prompt_variables';
import { Link } from '../router';

interface Reply {
  model: string;
  text: string;
  problem: Problem | null;
  end: ChatEnd | null;
  began: number;
  first_ms: number | null;
  total_ms: number | null;
}

function ReplyView({ reply, onUse }: { reply: Reply; onUse: () => void }) {
  const facts = [
    reply.first_ms !== null && `first words ${milliseconds(reply.first_ms)}`,
    reply.total_ms !== null && `all ${milliseconds(reply.total_ms)}`,
    typeof reply.end?.input_tokens === 'number' && `${count(reply.end.input_tokens)} in`,
    typeof reply.end?.output_tokens === 'number' && `${count(reply.end.output_tokens)} out`,
    reply.end?.finish && reply.end.finish !== 'stop' && `ended by ${reply.end.finish}`,
  ].filter(Boolean);
  const isWorking = !reply.end && !reply.problem;
  return (
    <section
      class="card stack tight reply"
      aria-label={`Reply of ${reply.model}`}
      data-testid="reply"
      data-model={reply.model}
      data-done={!isWorking}
    >
      <h3 class={isWorking ? 'working' : ''}>{reply.model}</h3>
      <div class="long-text" data-testid="reply-text">
        {reply.text || (isWorking ? '…' : '')}
      </div>
      <ProblemBox problem={reply.problem} />
      <p class="muted">
        {facts.join(' · ')}
        {reply.end?.trace && (
          <>
            {' · '}
            <Link href={`/traces/${encodeURIComponent(reply.end.trace)}`}>its trace</Link>
          </>
        )}
      </p>
      {reply.end && (
        <div class="row">
          <CopyButton text={reply.text} label="Copy" />
          <button type="button" class="quiet small" onClick={onUse}>
            Go on from here
          </button>
        </div>
      )}
    </section>
  );
}

/** Asks all models at once; what they say is drawn at most once a frame. */
function useReplies() {
  const [replies, setReplies] = useState<Reply[]>([]);
  const [isBusy, setBusy] = useState(false);
  const stop = useStop();
  const current = useRef<Reply[]>([]);
  const frame = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  const draw = () => {
    if (frame.current) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      setReplies([...current.current]);
    });
  };
  const ask = async (
    models: string[],
    messages: ChatMessage[],
    parameters: Record<string, unknown>,
  ) => {
    const signal = stop.take();
    const began = performance.now();
    const mine: Reply[] = models.map((model) => ({
      model,
      text: '',
      problem: null,
      end: null,
      began,
      first_ms: null,
      total_ms: null,
    }));
    current.current = mine;
    setBusy(true);
    draw();
    const one = async (i: number) => {
      const update = (part: Partial<Reply>) => {
        mine[i] = { ...mine[i]!, ...part };
        if (current.current === mine) draw();
      };
      const onText = (piece: string) =>
        update({
          text: mine[i]!.text + piece,
          first_ms: mine[i]!.first_ms ?? performance.now() - began,
        });
      try {
        const end = await chat({ model: mine[i]!.model, messages, parameters }, onText, signal);
        update({ end, total_ms: performance.now() - began });
      } catch (error) {
        const problem = signal.aborted ? new Problem(0, 'stopped') : asProblem(error);
        update({ problem, total_ms: performance.now() - began });
      }
    };
    await Promise.all(mine.map((_, i) => one(i)));
    if (current.current === mine) setBusy(false);
  };
  return { replies, isBusy, ask, stop: stop.stop };
}

type Change = (part: Partial<Draft>) => void;

function Workbench({
  initial,
  note,
}: {
  initial: Draft;
  note: (change: Change) => preact.ComponentChildren;
}) {
  const models = useLoaded((signal) => chatModels(signal), 'chat models');
  const [draft, setDraft] = useState(initial);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { replies, isBusy, ask, stop } = useReplies();
  const change = (part: Partial<Draft>) =>
    setDraft((old) => {
      const next = { ...old, ...part };
      keepDraft(next);
      return next;
    });
  const known = models.value ?? [];
  const chosen = draft.models.length ? draft.models : [known[0] ?? ''];
  const named = namedIn(draft);
  const send = (event: Event) => {
    event.preventDefault();
    try {
      const parameters = parametersOf(draft);
      setProblem(null);
      if (named) parameters.prompt = { id: named.prompt.id, variables: named.prompt.variables };
      void ask(
        chosen.map((name) => name.trim()).filter(Boolean),
        (named?.rest ?? draft.messages).filter((message) => message.content.trim()),
        parameters,
      );
    } catch (error) {
      setProblem(
        error instanceof SyntaxError
          ? new Problem(0, `further parameters: not JSON: ${error.message}`)
          : asProblem(error),
      );
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send(event);
  };
  const goOn = (reply: Reply) =>
    change({
      messages: [
        ...draft.messages,
        { role: 'assistant', content: reply.text },
        { role: 'user', content: '' },
      ],
    });
  const hasWords = draft.messages.some((m) => m.content.trim() && m.role !== 'system');
  return (
    <div class="playground">
      <form class="stack" onSubmit={send} onKeyDown={press}>
        {note(change)}
        <ProblemBox problem={models.problem} retry={models.reload} />
        <Models known={known} models={chosen} onChange={(next) => change({ models: next })} />
        <Messages messages={draft.messages} onChange={(messages) => change({ messages })} />
        <Parameters draft={draft} change={change} />
        <ProblemBox problem={problem} />
        {named && (
          <p class="muted" data-testid="named-prompt">
            The call names {named.prompt.id}; its trace tells so.
          </p>
        )}
        <div class="row">
          {isBusy ? (
            <button type="button" class="quiet" onClick={stop}>
              <Icon name="stop" /> Stop
            </button>
          ) : (
            <button type="submit" disabled={!hasWords || !chosen.some(Boolean)}>
              Run
            </button>
          )}
          <button
            type="button"
            class="quiet"
            onClick={() => change({ ...fresh, models: draft.models })}
          >
            Clear
          </button>
          <span class="muted wide-only">
            <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs
          </span>
        </div>
      </form>
      <div class="replies" role="region" aria-label="Replies">
        {replies.map((reply, i) => (
          <ReplyView key={i} reply={reply} onUse={() => goOn(reply)} />
        ))}
        {replies.length === 0 && (
          <Empty icon="playground" title="Nothing was asked yet">
            What {plural(chosen.length, 'model')} says stands here while it is written.
          </Empty>
        )}
      </div>
    </div>
  );
}

/** What a run was asked, once it is there. */
function FromRun({ run, trace }: { run: string; trace: string }) {
  const loaded = useLoaded((signal) => observe.run(run, trace, signal), `${trace} ${run}`);
  const initial = useMemo(
    () => (loaded.value ? draftOf(loaded.value, readDraft()) : null),
    [loaded.value],
  );
  if (!initial || !loaded.value)
    return loaded.problem ? (
      <ProblemBox problem={loaded.problem} retry={loaded.reload} />
    ) : (
      <Waiting lines={6} />
    );
  const { trace_id, id, name } = loaded.value;
  const href = `/traces/${encodeURIComponent(trace_id)}?run=${encodeURIComponent(id)}`;
  return (
    <Workbench
      initial={initial}
      note={() => (
        <p class="muted">
          With what <Link href={href}>{name}</Link> was asked.
        </p>
      )}
    />
  );
}

/** What a prompt becomes with its variables. */
function FromPrompt({ name, version }: { name: string; version: string }) {
  return (
    <Workbench
      initial={readDraft()}
      note={(change) => (
        <PromptVariables
          name={name}
          reference={version}
          onRendered={({ name, version, messages, model, parameters }, variables) =>
            change({
              messages: messages.map(({ role, content }) => ({ role, content: textOf(content) })),
              prompt: messages.every(({ content }) => typeof content === 'string')
                ? { id: `${name}@${version}`, variables, messages }
                : null,
              ...(model ? { models: [model] } : {}),
              more: Object.keys(parameters).length ? JSON.stringify(parameters) : '',
            })
          }
        />
      )}
    />
  );
}

export function PlaygroundPage() {
  useTitle('Playground');
  const page = usePageQuery();
  const run = page.get('run');
  const prompt = page.get('prompt');
  return (
    <Page
      title="Playground"
      lead="Ask models through the gateway, also several beside each other."
      isWide
    >
      {prompt ? (
        <FromPrompt key={prompt} name={prompt} version={page.get('version') || 'latest'} />
      ) : run ? (
        <FromRun key={run} run={run} trace={page.get('trace')} />
      ) : (
        <Workbench initial={readDraft()} note={() => null} />
      )}
    </Page>
  );
}
