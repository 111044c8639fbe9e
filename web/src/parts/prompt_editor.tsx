// Writes the next version of a prompt, and moves tags and traffic.
import { useState } from 'preact/hooks';
import { Problem } from '../api';
import { asProblem } from '../hooks';
import {
  observe,
  type Prompt,
  type PromptMessage,
  type PromptVersion,
  type PromptWish,
} from '../observe';
import { Choice, Dialog, Field, ProblemBox } from './common';
import { Icon } from './icons';

const roles = ['system', 'user', 'assistant', 'placeholder'] as const;

interface Draft {
  name: string;
  messages: PromptMessage[];
  syntax: string;
  model: string;
  parameters: string;
  message: string;
  tags: string;
}

const draftOf = (from?: PromptVersion): Draft => ({
  name: '',
  messages: from?.content.messages ?? [
    { role: 'system', content: '' },
    { role: 'user', content: '' },
  ],
  syntax: from?.content.syntax ?? 'f-string',
  model: from?.content.model ?? '',
  parameters: Object.keys(from?.content.parameters ?? {}).length
    ? JSON.stringify(from!.content.parameters)
    : '',
  message: '',
  tags: '',
});

function wishOf(draft: Draft, parent: number): PromptWish {
  let parameters: unknown = {};
  try {
    parameters = draft.parameters.trim() ? JSON.parse(draft.parameters) : {};
  } catch (error) {
    throw new Problem(0, `parameters: not JSON: ${(error as Error).message}`);
  }
  return {
    messages: draft.messages.filter(
      (message) => message.placeholder?.trim() || message.content?.trim(),
    ),
    syntax: draft.syntax,
    model: draft.model.trim(),
    parameters: parameters as Record<string, unknown>,
    message: draft.message.trim(),
    tags: draft.tags.split(/[\s,]+/).filter(Boolean),
    parent,
  };
}

function MessageField({
  message,
  index,
  onChange,
  onRemove,
}: {
  message: PromptMessage;
  index: number;
  onChange: (message: PromptMessage) => void;
  onRemove: () => void;
}) {
  const isPlaceholder = message.placeholder !== undefined;
  const known: readonly string[] = roles;
  const role = isPlaceholder ? 'placeholder' : (message.role ?? 'user');
  const setRole = (next: string) =>
    onChange(
      next === 'placeholder'
        ? { placeholder: 'history' }
        : { role: next, content: message.content ?? '' },
    );
  return (
    <div class="compose">
      <div class="row between">
        <select
          aria-label={`Role of message ${index + 1}`}
          value={role}
          onChange={(event) => setRole(event.currentTarget.value)}
        >
          {(known.includes(role) ? roles : [...roles, role]).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <button
          type="button"
          class="bare"
          aria-label={`Without message ${index + 1}`}
          onClick={onRemove}
        >
          <Icon name="close" />
        </button>
      </div>
      {isPlaceholder ? (
        <input
          aria-label={`Variable of message ${index + 1}: a list of messages`}
          value={message.placeholder}
          spellcheck={false}
          onInput={(event) => onChange({ ...message, placeholder: event.currentTarget.value })}
        />
      ) : (
        <textarea
          class="code"
          aria-label={`Message ${index + 1}`}
          rows={3}
          value={message.content ?? ''}
          onInput={(event) => onChange({ ...message, content: event.currentTarget.value })}
        />
      )}
    </div>
  );
}

export function PromptEditor({
  prompt,
  from,
  onClose,
  onDone,
}: {
  prompt?: Prompt; // Absent: a new one.
  from?: PromptVersion;
  onClose: () => void;
  onDone: (name: string, version: PromptVersion) => void;
}) {
  const [draft, setDraft] = useState(() => draftOf(from));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const save = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const name = prompt?.name ?? draft.name.trim();
      // What is there is not written over unseen: versions have their parent.
      const parent = from && prompt ? prompt.versions : 0;
      onDone(name, await observe.commitPrompt(name, wishOf(draft, parent)));
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const text = (name: 'name' | 'model' | 'message' | 'tags') => ({
    value: draft[name],
    autocomplete: 'off' as const,
    onInput: (event: { currentTarget: { value: string } }) =>
      change({ [name]: event.currentTarget.value }),
  });
  return (
    <Dialog
      kind="drawer"
      title={prompt ? `Next version of ${prompt.name}` : 'New prompt'}
      onClose={onClose}
    >
      <form class="stack" onSubmit={save}>
        {!prompt && (
          <Field label="Name" hint="Letters, digits, '-', '_' and '.'">
            {(attributes) => <input {...attributes} required maxLength={128} {...text('name')} />}
          </Field>
        )}
        <Choice
          label="Variables are written as"
          value={draft.syntax}
          options={[
            ['f-string', '{name}'],
            ['mustache', '{{name}}'],
          ]}
          onChange={(syntax) => change({ syntax })}
        />
        {draft.messages.map((message, i) => (
          <MessageField
            key={i}
            message={message}
            index={i}
            onChange={(next) =>
              change({ messages: draft.messages.map((old, at) => (at === i ? next : old)) })
            }
            onRemove={() => change({ messages: draft.messages.filter((_, at) => at !== i) })}
          />
        ))}
        <div>
          <button
            type="button"
            class="quiet small"
            onClick={() => change({ messages: [...draft.messages, { role: 'user', content: '' }] })}
          >
            <Icon name="plus" /> Message
          </button>
        </div>
        <div class="grid">
          <Field label="Model" hint="Empty: whichever is asked">
            {(attributes) => <input {...attributes} spellcheck={false} {...text('model')} />}
          </Field>
          <Field label="Parameters (JSON)" hint='{"temperature": 0.2}'>
            {(attributes) => (
              <input
                {...attributes}
                class="code"
                spellcheck={false}
                value={draft.parameters}
                onInput={(event) => change({ parameters: event.currentTarget.value })}
              />
            )}
          </Field>
          <Field label="What has changed">
            {(attributes) => <input {...attributes} maxLength={10000} {...text('message')} />}
          </Field>
          <Field label="Tags" hint="That stand at it from now on: staging, production">
            {(attributes) => <input {...attributes} spellcheck={false} {...text('tags')} />}
          </Field>
        </div>
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="submit" disabled={isBusy || (!prompt && !draft.name.trim())}>
            Save the version
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function TagDialog({
  prompt,
  version,
  onClose,
  onDone,
}: {
  prompt: Prompt;
  version: number;
  onClose: () => void;
  onDone: () => void;
}) {
  const [tag, setTag] = useState('production');
  const [problem, setProblem] = useState<Problem | null>(null);
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      await observe.tagPrompt(prompt.name, tag.trim(), version);
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const now = prompt.tags[tag.trim()];
  return (
    <Dialog title={`Tag version ${version}`} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field
          label="Tag"
          hint={
            now && now !== version
              ? `Calls that name it get version ${version} instead of ${now} at once`
              : 'Calls that name it get this version'
          }
        >
          {(attributes) => (
            <input
              {...attributes}
              list="prompt-tags"
              value={tag}
              required
              maxLength={128}
              autocomplete="off"
              onInput={(event) => setTag(event.currentTarget.value)}
            />
          )}
        </Field>
        <datalist id="prompt-tags">
          {[...new Set(['production', 'staging', ...Object.keys(prompt.tags)])].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="submit" disabled={!tag.trim()}>
            Tag
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function TrafficDialog({
  prompt,
  onClose,
  onDone,
}: {
  prompt: Prompt;
  onClose: () => void;
  onDone: () => void;
}) {
  const [shares, setShares] = useState(() =>
    prompt.traffic.length
      ? prompt.traffic.map(({ reference, share }) => ({ reference, share: String(share) }))
      : [
          { reference: 'production', share: '90' },
          { reference: 'staging', share: '10' },
        ],
  );
  const [problem, setProblem] = useState<Problem | null>(null);
  const save = async (event: Event, wanted = shares) => {
    event.preventDefault();
    try {
      await observe.sharePrompt(
        prompt.name,
        wanted.map(({ reference, share }) => ({ reference, share: Number(share) })),
      );
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const set = (i: number, part: Partial<(typeof shares)[number]>) =>
    setShares(shares.map((old, at) => (at === i ? { ...old, ...part } : old)));
  return (
    <Dialog title={`Traffic of ${prompt.name}`} onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <p>
          Calls that name the prompt alone are shared among these; a user or session gets the same
          one each time.
        </p>
        {shares.map(({ reference, share }, i) => (
          <div key={i} class="row scope-row">
            <input
              type="number"
              aria-label={`Share ${i + 1}`}
              min={0}
              step="any"
              required
              value={share}
              onInput={(event) => set(i, { share: event.currentTarget.value })}
            />
            <input
              aria-label={`Version or tag ${i + 1}`}
              required
              value={reference}
              autocomplete="off"
              onInput={(event) => set(i, { reference: event.currentTarget.value })}
            />
            <button
              type="button"
              class="bare"
              aria-label={`Without share ${i + 1}`}
              onClick={() => setShares(shares.filter((_, at) => at !== i))}
            >
              <Icon name="close" />
            </button>
          </div>
        ))}
        <ProblemBox problem={problem} />
        <div class="row between">
          <button
            type="button"
            class="quiet small"
            onClick={() => setShares([...shares, { reference: '', share: '10' }])}
          >
            <Icon name="plus" /> Share
          </button>
          <div class="row">
            {prompt.traffic.length > 0 && (
              <button type="button" class="quiet" onClick={(event) => void save(event, [])}>
                Share no more
              </button>
            )}
            <button type="submit" disabled={!shares.length}>
              Save
            </button>
          </div>
        </div>
      </form>
    </Dialog>
  );
}
