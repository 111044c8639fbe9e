// What the playground asks with: models, messages, parameters, and the draft of them that this visit keeps.
import { Problem } from '../api';
import type { ChatMessage, Run } from '../observe';
import { Field, InputField } from './common';
import { Icon } from './icons';
import { replayable } from './messages';

const columnsMax = 4;
const roles = ['system', 'user', 'assistant'] as const;

export interface Draft {
  models: string[];
  messages: ChatMessage[];
  temperature: string;
  maxTokens: string;
  topP: string;
  more: string; // Further parameters, as JSON.
  prompt?: NamedPrompt | null;
}

/** A prompt with what it became; a call that begins with these messages names it, and its trace knows. */
export interface NamedPrompt {
  id: string;
  variables: Record<string, unknown>;
  messages: ChatMessage[];
}

export const fresh: Draft = {
  models: [],
  messages: [
    { role: 'system', content: '' },
    { role: 'user', content: '' },
  ],
  temperature: '',
  maxTokens: '',
  topP: '',
  more: '',
};

const draftKey = 'slipway.playground';

export function readDraft(): Draft {
  try {
    const stored = JSON.parse(sessionStorage.getItem(draftKey) ?? 'null');
    return stored && Array.isArray(stored.messages) ? { ...fresh, ...stored } : fresh;
  } catch {
    return fresh;
  }
}

export function keepDraft(draft: Draft): void {
  try {
    sessionStorage.setItem(draftKey, JSON.stringify(draft));
  } catch {
    // It then holds for this visit.
  }
}

/** Parameters of a call that its run tells of. */
export function draftOf(run: Run, old: Draft): Draft {
  const number = (...names: string[]) => {
    for (const name of names) {
      const value = run.attributes[name] ?? run.metadata[name];
      if (typeof value === 'number') return String(value);
    }
    return '';
  };
  return {
    ...old,
    models: run.model ? [run.model] : old.models,
    messages: replayable(run.inputs),
    temperature: number('gen_ai.request.temperature', 'llm.request.temperature', 'ls_temperature'),
    maxTokens: number('gen_ai.request.max_tokens', 'ls_max_tokens'),
    topP: number('gen_ai.request.top_p'),
    more: '',
  };
}

/** The prompt that a call names, and the messages that stand behind its own. */
export function namedIn(draft: Draft): { prompt: NamedPrompt; rest: ChatMessage[] } | null {
  const { prompt } = draft;
  if (!prompt?.messages.length) return null;
  const isOwn = prompt.messages.every(
    ({ role, content }, i) =>
      draft.messages[i]?.role === role && draft.messages[i]?.content === content,
  );
  return isOwn ? { prompt, rest: draft.messages.slice(prompt.messages.length) } : null;
}

export function parametersOf(draft: Draft): Record<string, unknown> {
  const more: unknown = draft.more.trim() ? JSON.parse(draft.more) : {};
  if (typeof more !== 'object' || more === null || Array.isArray(more))
    throw new Problem(0, 'further parameters: an object is needed, like {"seed": 7}');
  return {
    ...(draft.temperature ? { temperature: Number(draft.temperature) } : {}),
    ...(draft.maxTokens ? { max_tokens: Number(draft.maxTokens) } : {}),
    ...(draft.topP ? { top_p: Number(draft.topP) } : {}),
    ...more,
  };
}

export function Messages({
  messages,
  onChange,
}: {
  messages: ChatMessage[];
  onChange: (messages: ChatMessage[]) => void;
}) {
  const set = (i: number, part: Partial<ChatMessage>) =>
    onChange(messages.map((old, at) => (at === i ? { ...old, ...part } : old)));
  const add = () =>
    onChange([
      ...messages,
      { role: messages.at(-1)?.role === 'user' ? 'assistant' : 'user', content: '' },
    ]);
  return (
    <div class="stack tight">
      {messages.map((message, i) => (
        <div key={i} class="compose" data-testid="playground-message">
          <div class="row between">
            <select
              aria-label={`Role of message ${i + 1}`}
              value={message.role}
              onChange={(event) => set(i, { role: event.currentTarget.value })}
            >
              {roles.map((role) => (
                <option key={role}>{role}</option>
              ))}
            </select>
            <button
              type="button"
              class="bare"
              aria-label={`Without message ${i + 1}`}
              disabled={messages.length < 2}
              onClick={() => onChange(messages.filter((_, at) => at !== i))}
            >
              <Icon name="close" />
            </button>
          </div>
          <textarea
            aria-label={`Message ${i + 1}`}
            rows={message.role === 'system' ? 2 : 3}
            value={message.content}
            data-shortcut={i === messages.length - 1 ? 'focus' : undefined}
            onInput={(event) => set(i, { content: event.currentTarget.value })}
          />
        </div>
      ))}
      <div>
        <button type="button" class="quiet small" onClick={add}>
          <Icon name="plus" /> Message
        </button>
      </div>
    </div>
  );
}

export function Models({
  known,
  models,
  onChange,
}: {
  known: string[];
  models: string[];
  onChange: (models: string[]) => void;
}) {
  return (
    <div class="stack tight">
      {models.map((model, i) => (
        <div key={i} class="row model-row">
          <Field label={models.length > 1 ? `Model ${i + 1}` : 'Model'} class="grow">
            {(attributes) => (
              <input
                {...attributes}
                list="chat-models"
                value={model}
                required
                autocomplete="off"
                spellcheck={false}
                onInput={(event) =>
                  onChange(models.map((old, at) => (at === i ? event.currentTarget.value : old)))
                }
              />
            )}
          </Field>
          {models.length > 1 && (
            <button
              type="button"
              class="bare"
              aria-label={`Without model ${i + 1}`}
              onClick={() => onChange(models.filter((_, at) => at !== i))}
            >
              <Icon name="close" />
            </button>
          )}
        </div>
      ))}
      <datalist id="chat-models">
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {models.length < columnsMax && (
        <div>
          <button
            type="button"
            class="quiet small"
            onClick={() =>
              onChange([...models, known.find((name) => !models.includes(name)) ?? known[0] ?? ''])
            }
          >
            <Icon name="plus" /> Beside another model
          </button>
        </div>
      )}
    </div>
  );
}

export function Parameters({
  draft,
  change,
}: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}) {
  const number = (name: 'temperature' | 'maxTokens' | 'topP', label: string, max?: number) => (
    <InputField
      label={label}
      type="number"
      min={0}
      max={max}
      step={name === 'maxTokens' ? 1 : 'any'}
      placeholder="as the model has it"
      value={draft[name]}
      onInput={(value) => change({ [name]: value })}
    />
  );
  return (
    <details class="options">
      <summary>Parameters</summary>
      <div class="grid">
        {number('temperature', 'Temperature', 2)}
        {number('maxTokens', 'Tokens at most')}
        {number('topP', 'Top p', 1)}
        <Field label="Further parameters (JSON)" class="wide" hint='{"seed": 7, "stop": ["\n"]}'>
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={2}
              spellcheck={false}
              value={draft.more}
              onInput={(event) => change({ more: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}
