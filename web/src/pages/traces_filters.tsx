// What the list of traces is asked for. Enter applies what was typed; choices apply at once.
import { useEffect, useState } from 'preact/hooks';
import { useStored } from '../hooks';
import type { Project } from '../observe';
import { Dialog, Field } from '../parts/common';
import { checkFilter } from '../parts/filter';
import { Icon } from '../parts/icons';
import { selected, selectionNames, type PageQuery } from '../parts/marks';
import { KindField, ProjectField, SinceField } from '../parts/selection_fields';

const typed = [
  'q',
  'min_latency_ms',
  'max_latency_ms',
  'name',
  'model',
  'user_id',
  'session_id',
  'key',
  'prompt',
  'tag',
  'filter',
] as const;
type Typed = (typeof typed)[number];

/** What one click asks for. */
const ready: [string, Record<string, string>][] = [
  ['Errors', { status: 'error' }],
  ['Slow', { min_latency_ms: '2000', sort: '-latency_ms' }],
  ['Dear', { sort: '-cost_usd' }],
];

interface Saved {
  name: string;
  query: Record<string, string>;
}

function readSaved(text: string): Saved[] {
  try {
    const all: unknown = JSON.parse(text);
    return Array.isArray(all) ? all.filter((one) => one?.name && one?.query).slice(0, 30) : [];
  } catch {
    return []; // Somebody else wrote there.
  }
}

const chosenNames = [...selectionNames, 'sort'] as const;

function QuickFilters({ page, onClear }: { page: PageQuery; onClear: () => void }) {
  const [stored, store] = useStored('trace-filters', '[]');
  const [isNaming, setNaming] = useState(false);
  const saved = readSaved(stored);
  const now = selected(page.query, chosenNames);
  const isNow = (query: Record<string, string>) =>
    Object.keys(now).length === Object.keys(query).length &&
    Object.entries(query).every(([name, value]) => now[name] === value);
  const apply = (query: Record<string, string>) =>
    page.set(Object.fromEntries(chosenNames.map((name) => [name, query[name] ?? null])));
  const isFiltered = Object.keys(now).length > 0;
  const isKnown = [...ready.map(([, query]) => query), ...saved.map((s) => s.query)].some(isNow);
  const chip = (name: string, query: Record<string, string>) => (
    <button
      key={name}
      type="button"
      class="chip"
      aria-pressed={isNow(query)}
      onClick={() => (isNow(query) ? onClear() : apply(query))}
    >
      {name}
    </button>
  );
  return (
    <div class="chips" role="group" aria-label="Quick filters">
      {ready.map(([name, query]) => chip(name, query))}
      {saved.map((one) => (
        <span key={one.name} class="chip-pair">
          {chip(one.name, one.query)}
          <button
            type="button"
            class="bare"
            aria-label={`Forget ${one.name}`}
            onClick={() => store(JSON.stringify(saved.filter((other) => other !== one)))}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {isFiltered && (
        <button type="button" class="link" onClick={onClear}>
          Clear
        </button>
      )}
      {isFiltered && !isKnown && (
        <button type="button" class="link" onClick={() => setNaming(true)}>
          Save these filters
        </button>
      )}
      {isNaming && (
        <SaveDialog
          onClose={() => setNaming(false)}
          onSave={(name) =>
            store(JSON.stringify([...saved.filter((s) => s.name !== name), { name, query: now }]))
          }
        />
      )}
    </div>
  );
}

function SaveDialog({ onClose, onSave }: { onClose: () => void; onSave: (name: string) => void }) {
  const [name, setName] = useState('');
  const save = (event: Event) => {
    event.preventDefault();
    onSave(name.trim());
    onClose();
  };
  return (
    <Dialog title="Save these filters" onClose={onClose}>
      <form class="stack" onSubmit={save}>
        <Field label="Name" hint="Kept in this browser">
          {(attributes) => (
            <input
              {...attributes}
              value={name}
              maxLength={40}
              required
              autofocus
              autocomplete="off"
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="row end">
          <button type="submit" disabled={!name.trim()}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

type Draft = Record<Typed, string>;
const draftOf = (page: PageQuery): Draft =>
  Object.fromEntries(typed.map((name) => [name, page.get(name)])) as Draft;

export function Filters({
  page,
  projects,
  onClear,
}: {
  page: PageQuery;
  projects: Project[];
  onClear: () => void;
}) {
  const [draft, setDraft] = useState(() => draftOf(page));
  useEffect(() => setDraft(draftOf(page)), [page.query.toString()]);
  const filter = checkFilter(draft.filter);
  const hidden = ['kind', 'to', ...typed.slice(2)].filter((name) => page.get(name)).length;
  const [isOpen, setOpen] = useState(false);
  const apply = (event: Event) => {
    event.preventDefault();
    if (filter.error) return;
    page.set(Object.fromEntries(typed.map((name) => [name, draft[name].trim() || null])));
  };
  const text = (name: Typed) => ({
    value: draft[name],
    autocomplete: 'off' as const,
    onInput: (event: { currentTarget: { value: string } }) =>
      setDraft({ ...draft, [name]: event.currentTarget.value }),
  });
  return (
    <form
      class={`card stack filters ${isOpen ? '' : 'brief'}`}
      onSubmit={apply}
      role="search"
      aria-label="Find traces"
    >
      <div class="search-row">
        <Field label="Search" class="grow">
          {(attributes) => (
            <input
              {...attributes}
              type="search"
              maxLength={4000}
              data-testid="search"
              data-shortcut="focus"
              enterkeyhint="search"
              placeholder={'words or "a phrase"'}
              {...text('q')}
            />
          )}
        </Field>
        <Field label="Slower than (ms)" class="short">
          {(attributes) => (
            <input
              {...attributes}
              type="number"
              min={0}
              step="any"
              data-testid="min-latency"
              {...text('min_latency_ms')}
            />
          )}
        </Field>
        <ProjectField page={page} projects={projects} />
        <Field label="Status" class="short choice-field">
          {(attributes) => (
            <select
              {...attributes}
              value={page.get('status')}
              onChange={(event) => page.set({ status: event.currentTarget.value })}
            >
              <option value="">Any</option>
              <option value="ok">ok</option>
              <option value="error">error</option>
              <option value="pending">running</option>
            </select>
          )}
        </Field>
        <SinceField page={page} />
        <button type="submit" disabled={!!filter.error}>
          Apply
        </button>
      </div>
      <div class="row between">
        <QuickFilters page={page} onClear={onClear} />
        <button type="button" class="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Fewer filters' : `More filters${hidden ? ` (${hidden} on)` : ''}`}
        </button>
      </div>
      {isOpen && (
        <div class="grid filter-grid">
          <KindField page={page} />
          {(
            [
              ['name', 'Name'],
              ['model', 'Model'],
              ['user_id', 'User'],
              ['session_id', 'Session'],
              ['key', 'API key'],
              ['prompt', 'Prompt version'],
              ['tag', 'Tag'],
            ] as const
          ).map(([name, label]) => (
            <Field key={name} label={label}>
              {(attributes) => <input {...attributes} spellcheck={false} {...text(name)} />}
            </Field>
          ))}
          <Field label="Faster than (ms)">
            {(attributes) => (
              <input {...attributes} type="number" min={0} step="any" {...text('max_latency_ms')} />
            )}
          </Field>
          <Field label="Before">
            {(attributes) => (
              <input
                {...attributes}
                type="datetime-local"
                value={localTime(page.get('to'))}
                onChange={(event) => page.set({ to: isoTime(event.currentTarget.value) })}
              />
            )}
          </Field>
          <Field
            label="Filter (JSON)"
            error={filter.error}
            hint='{"metadata.customer": "a"}, {"cost_usd": {"$gt": 0.01}}, {"feedback.user_score": 0}'
            class="wide"
          >
            {(attributes) => (
              <input {...attributes} class="code" spellcheck={false} {...text('filter')} />
            )}
          </Field>
        </div>
      )}
    </form>
  );
}

/** As the control of the browser wants it, in the hours of this place. */
function localTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const isoTime = (local: string): string | null => (local ? new Date(local).toISOString() : null);
