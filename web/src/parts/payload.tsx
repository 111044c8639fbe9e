// Inputs and outputs as people read them: conversations as such, anything else as a tree, and the bytes that came.
import { useState } from 'preact/hooks';
import { useLoaded } from '../hooks';
import { observe } from '../observe';
import { CopyButton, ProblemBox, Waiting } from './common';
import { JsonView, LongText } from './json_view';
import { type Message, messagesOf, type Part, textOf } from './messages';

function PartView({ part }: { part: Part }) {
  switch (part.kind) {
    case 'text':
      return <LongText text={part.text} />;
    case 'thought':
      return (
        <details class="thought">
          <summary>Reasoning</summary>
          <LongText text={part.text} />
        </details>
      );
    case 'call':
      return (
        <div class="tool-part">
          <p>
            <span class="muted">calls</span> <code>{part.name}</code>
          </p>
          <JsonView value={part.input} />
        </div>
      );
    case 'result':
      return (
        <div class="tool-part">
          {typeof part.output === 'string' ? (
            <LongText text={part.output} />
          ) : (
            <JsonView value={part.output} />
          )}
        </div>
      );
    case 'media':
      return <p class="muted">[{part.what}]</p>;
    case 'other':
      return <JsonView value={part.value} />;
  }
}

export function MessageView({ message }: { message: Message }) {
  return (
    <li class={`message role-${message.role.replace(/\W/g, '')}`}>
      <p class="message-role">
        {message.role}
        {message.name && ` · ${message.name}`}
      </p>
      {message.parts.map((part, i) => (
        <PartView key={i} part={part} />
      ))}
      {message.parts.length === 0 && <p class="muted">(empty)</p>}
    </li>
  );
}

function RawView({
  run,
  trace,
  which,
}: {
  run: string;
  trace: string;
  which: 'inputs' | 'outputs';
}) {
  const raw = useLoaded(
    (signal) => observe.payload(run, trace, which, signal),
    `${trace} ${run} ${which}`,
  );
  if (raw.value === null)
    return raw.problem ? <ProblemBox problem={raw.problem} retry={raw.reload} /> : <Waiting />;
  return <LongText class="raw" text={raw.value} />;
}

export function PayloadView({
  title,
  value,
  run,
  trace,
  which,
}: {
  title: string;
  value: unknown;
  run: string;
  trace: string;
  which: 'inputs' | 'outputs';
}) {
  const [isRaw, setRaw] = useState(false);
  const isNone = value === null || value === undefined;
  const messages = isNone ? null : messagesOf(value);
  return (
    <section aria-label={title} class="payload" data-testid={which}>
      <div class="row between">
        <h3>{title}</h3>
        {!isNone && (
          <div class="row">
            <button
              type="button"
              class="quiet small"
              aria-pressed={isRaw}
              onClick={() => setRaw(!isRaw)}
              title="The bytes as the client sent them"
            >
              Raw
            </button>
            <CopyButton text={textOf(value)} label="Copy" />
          </div>
        )}
      </div>
      {isNone && <p class="muted">None.</p>}
      {isRaw && <RawView run={run} trace={trace} which={which} />}
      {!isRaw && messages && (
        <ol class="messages">
          {messages.map((message, i) => (
            <MessageView key={i} message={message} />
          ))}
        </ol>
      )}
      {!isRaw &&
        !messages &&
        !isNone &&
        (typeof value === 'string' ? <LongText text={value} /> : <JsonView value={value} />)}
    </section>
  );
}
