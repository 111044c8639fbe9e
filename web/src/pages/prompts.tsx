// Prompts: their versions, what differs between two of them, which one each tag stands at, and a try of any.
import { useMemo, useState } from 'preact/hooks';
import { plural, time } from '../format';
import { useLoaded, useSettled, useTitle } from '../hooks';
import { observe, type Prompt, type PromptVersion } from '../observe';
import { Confirm, Empty, Field, Page, ProblemBox, Waiting } from '../parts/common';
import { diff } from '../parts/diff';
import { Icon } from '../parts/icons';
import { usePageQuery } from '../parts/marks';
import { Pieces } from '../parts/pieces';
import { PromptEditor, TagDialog, TrafficDialog } from '../parts/prompt_editor';
import { Link, navigate } from '../router';

const promptHref = (name: string) => `/prompts/${encodeURIComponent(name)}`;

function Tags({ names }: { names: string[] }) {
  return (
    <>
      {names.map((name) => (
        <span key={name} class={`state plain-tag ${name === 'production' ? 'valid' : ''}`}>
          {name}
        </span>
      ))}
    </>
  );
}

function PromptCard({ prompt }: { prompt: Prompt }) {
  return (
    <li class="card collection budget" data-testid="prompt" data-prompt={prompt.name}>
      <h2>
        <Link href={promptHref(prompt.name)}>{prompt.name}</Link>
      </h2>
      {prompt.description && <p>{prompt.description}</p>}
      <p class="muted">
        {plural(prompt.versions, 'version')} · {time(prompt.updated_at)}
        {prompt.traffic.length > 0 && ` · traffic shared by ${prompt.traffic.length}`}
      </p>
      <p>
        {Object.entries(prompt.tags).map(([tag, version]) => (
          <span
            key={tag}
            class={`state plain-tag ${tag === 'production' ? 'valid' : ''}`}
          >{`${tag} ${version}`}</span>
        ))}
      </p>
    </li>
  );
}

export function PromptsPage() {
  useTitle('Prompts');
  const [words, setWords] = useState('');
  const asked = useSettled(words.trim(), 250);
  const list = useLoaded((signal) => observe.prompts(asked, 0, signal), `prompts ${asked}`);
  const [isCreating, setCreating] = useState(false);
  const create = (
    <button type="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New prompt
    </button>
  );
  const isEmpty = list.value?.total === 0 && !asked;
  return (
    <Page
      title="Prompts"
      lead="Templates with versions that never change and tags that move. Calls name a tag; every trace knows its version."
      actions={list.value && !isEmpty ? create : null}
    >
      {list.problem?.status === 404 ? (
        <Empty icon="prompts" title="This server keeps no prompts" />
      ) : (
        <ProblemBox problem={list.problem} retry={list.reload} />
      )}
      {!isEmpty && !list.problem && (
        <Field label="Find a prompt">
          {(attributes) => (
            <input
              {...attributes}
              type="search"
              value={words}
              data-shortcut="focus"
              onInput={(event) => setWords(event.currentTarget.value)}
            />
          )}
        </Field>
      )}
      {!list.value && !list.problem && <Waiting lines={5} />}
      {isEmpty && (
        <Empty icon="prompts" title="No prompts yet" action={create}>
          Write one here, or push one with the LangSmith client.
        </Empty>
      )}
      {list.value?.total === 0 && asked && <p class="muted">No prompt has this in its name.</p>}
      <ul class="cards">
        {(list.value?.items ?? []).map((prompt) => (
          <PromptCard key={prompt.name} prompt={prompt} />
        ))}
      </ul>
      {(list.value?.total ?? 0) > 100 && (
        <p class="muted">The first 100 are shown; find others by their name.</p>
      )}
      {isCreating && (
        <PromptEditor
          onClose={() => setCreating(false)}
          onDone={(name) => navigate(promptHref(name))}
        />
      )}
    </Page>
  );
}

/** A version as text, so that two can be compared. */
function textOf(version: PromptVersion): string {
  const { messages = [], model, parameters } = version.content;
  const parts = messages.map((message) =>
    message.placeholder
      ? `[${message.placeholder}${message.optional ? ', if there' : ''}]`
      : `${message.role}:\n${message.content}`,
  );
  if (model) parts.push(`model: ${model}`);
  if (parameters && Object.keys(parameters).length)
    parts.push(`parameters: ${JSON.stringify(parameters, null, 2)}`);
  return parts.join('\n\n');
}

function Difference({ from, to }: { from: PromptVersion; to: PromptVersion }) {
  const pieces = useMemo(() => diff(textOf(from), textOf(to)), [from, to]);
  return (
    <section
      aria-label={`From version ${from.version} to ${to.version}`}
      class="diff-side"
      data-testid="prompt-diff"
    >
      <Pieces pieces={pieces} />
    </section>
  );
}

function VersionView({ version }: { version: PromptVersion }) {
  const { messages = [], model, parameters = {} } = version.content;
  return (
    <div class="stack tight" data-testid="prompt-version" data-version={version.version}>
      {version.problem && <p class="refusal">It cannot be rendered here: {version.problem}</p>}
      <ol class="messages">
        {messages.map((message, i) => (
          <li key={i} class={`message role-${(message.role ?? '').replace(/\W/g, '')}`}>
            <p class="message-role">{message.placeholder ? 'messages' : message.role}</p>
            <div class="long-text">
              {message.placeholder ? `[${message.placeholder}]` : message.content}
            </div>
          </li>
        ))}
      </ol>
      <dl class="facts">
        <div>
          <dt>Variables</dt>
          <dd>
            {version.variables.map((one) => one.name + (one.required ? '' : '?')).join(', ') ||
              'none'}
          </dd>
        </div>
        {model && (
          <div>
            <dt>Model</dt>
            <dd>{model}</dd>
          </div>
        )}
        {Object.keys(parameters).length > 0 && (
          <div>
            <dt>Parameters</dt>
            <dd>
              <code>{JSON.stringify(parameters)}</code>
            </dd>
          </div>
        )}
        <div>
          <dt>Hash</dt>
          <dd>
            <code>{version.hash.slice(0, 12)}</code>
          </dd>
        </div>
      </dl>
    </div>
  );
}

type Open = 'edit' | 'tag' | 'traffic' | 'remove' | null;

function Dialogs({
  open,
  close,
  prompt,
  version,
  onChange,
}: {
  open: Open;
  close: () => void;
  prompt: Prompt;
  version: PromptVersion | undefined; // Absent: there is none yet.
  onChange: (version?: number) => void;
}) {
  const own = { prompt, onClose: close };
  return (
    <>
      {open === 'edit' && (
        <PromptEditor {...own} from={version} onDone={(_, made) => onChange(made.version)} />
      )}
      {open === 'tag' && version && (
        <TagDialog {...own} version={version.version} onDone={onChange} />
      )}
      {open === 'traffic' && <TrafficDialog {...own} onDone={onChange} />}
      {open === 'remove' && (
        <Confirm
          title={`Delete ${prompt.name}?`}
          word={prompt.name}
          verb="Delete"
          onClose={close}
          onConfirm={async () => {
            await observe.removePrompt(prompt.name);
            navigate('/prompts', 'replace');
          }}
        >
          All {plural(prompt.versions, 'version')} are gone, and calls that name it are refused.
        </Confirm>
      )}
    </>
  );
}

function Versions({
  versions,
  chosen,
  onChoose,
}: {
  versions: PromptVersion[];
  chosen: number;
  onChoose: (version: number) => void;
}) {
  return (
    <ol class="versions" aria-label="Versions, the last one first">
      {versions.map((one) => (
        <li key={one.version}>
          <button
            type="button"
            class="version-row"
            aria-current={one.version === chosen ? 'true' : undefined}
            onClick={() => onChoose(one.version)}
          >
            <strong>{one.version}</strong>
            <span>
              {one.description || <span class="muted">no words about it</span>}
              <span class="muted block">{time(one.created_at)}</span>
            </span>
            <span>
              <Tags names={one.tags} />
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function PromptPage({ name }: { name: string }) {
  useTitle(name);
  const page = usePageQuery();
  const prompt = useLoaded((signal) => observe.prompt(name, signal), `prompt ${name}`);
  const list = useLoaded((signal) => observe.promptVersions(name, 0, signal), `versions ${name}`);
  const [open, setOpen] = useState<Open>(null);
  const versions = list.value?.items ?? [];
  const chosen = Number(page.get('version')) || versions[0]?.version || 0;
  const version = versions.find((one) => one.version === chosen);
  const against = versions.find((one) => one.version === Number(page.get('against')));
  const changed = (made?: number) => {
    prompt.reload();
    list.reload();
    if (typeof made === 'number') page.set({ version: String(made), against: null });
  };
  const p = prompt.value;
  return (
    <Page
      title={name}
      isWide
      lead={
        <>
          <Link href="/prompts">All prompts</Link>
          {p?.description && ` · ${p.description}`}
        </>
      }
      actions={
        p &&
        list.value && (
          <div class="row">
            <button type="button" onClick={() => setOpen('edit')}>
              <Icon name="plus" /> Next version
            </button>
            <button type="button" class="quiet" onClick={() => setOpen('traffic')}>
              Traffic
            </button>
            <button type="button" class="quiet" onClick={() => setOpen('remove')}>
              <Icon name="trash" /> Delete
            </button>
          </div>
        )
      }
    >
      <ProblemBox problem={prompt.problem ?? list.problem} retry={changed} />
      {(!p || !list.value) && !prompt.problem && !list.problem && <Waiting lines={6} />}
      {p && p.traffic.length > 0 && (
        <p>
          Traffic: {p.traffic.map(({ reference, share }) => `${reference} ${share}`).join(', ')}
        </p>
      )}
      {p && version && (
        <div class="prompt-body">
          <Versions
            versions={versions}
            chosen={chosen}
            onChoose={(next) => page.set({ version: String(next) }, 'replace')}
          />
          <section class="stack" aria-label={`Version ${version.version}`}>
            <div class="row between">
              <h2>Version {version.version}</h2>
              <div class="row">
                {versions.length > 1 && (
                  <select
                    aria-label="Compare with"
                    class="compare-with"
                    value={against ? String(against.version) : ''}
                    onChange={(event) =>
                      page.set({ against: event.currentTarget.value }, 'replace')
                    }
                  >
                    <option value="">Compare with…</option>
                    {versions
                      .filter((one) => one.version !== version.version)
                      .map((one) => (
                        <option key={one.version} value={one.version}>
                          version {one.version}
                        </option>
                      ))}
                  </select>
                )}
                <button type="button" class="quiet small" onClick={() => setOpen('tag')}>
                  Tag
                </button>
                <Link
                  class="button quiet small"
                  href={`/playground?prompt=${encodeURIComponent(name)}&version=${version.version}`}
                >
                  Try
                </Link>
              </div>
            </div>
            {version.tags.length > 0 && (
              <p>
                {version.tags.map((tag) => (
                  <span key={tag} class="tag">
                    {tag}
                    <button
                      type="button"
                      class="bare"
                      aria-label={`Remove the tag ${tag}`}
                      onClick={() => void observe.untagPrompt(name, tag).then(() => changed())}
                    >
                      <Icon name="close" />
                    </button>
                  </span>
                ))}
              </p>
            )}
            {against ? (
              <Difference from={against} to={version} />
            ) : (
              <VersionView version={version} />
            )}
          </section>
        </div>
      )}
      {p && list.value && !version && (
        <Empty icon="prompts" title={chosen ? `There is no version ${chosen}` : 'No version yet'}>
          {chosen ? 'The first 100 versions are shown here.' : 'Write the first one.'}
        </Empty>
      )}
      {p && (
        <Dialogs
          open={open}
          close={() => setOpen(null)}
          prompt={p}
          version={version}
          onChange={changed}
        />
      )}
    </Page>
  );
}
