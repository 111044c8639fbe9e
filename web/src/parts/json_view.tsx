// A JSON value as a tree that opens step by step: what is closed is not drawn, however large it is.
import { useState } from 'preact/hooks';
import { count } from '../format';

const atOnce = 100; // Children shown before one asks for more.
const charactersAtFirst = 2000;

function Words({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  if (text.length <= charactersAtFirst * 1.2 || isWhole) return <>{text}</>;
  return (
    <>
      {text.slice(0, charactersAtFirst)}…{' '}
      <button type="button" class="link" onClick={() => setWhole(true)}>
        Show all {count(text.length)} characters
      </button>
    </>
  );
}

/** Text of any length, as it stands. */
export function LongText({ text, class: name = '' }: { text: string; class?: string }) {
  return (
    <div class={`long-text ${name}`}>
      <Words text={text} />
    </div>
  );
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value === 'string')
    return (
      <span class="json-string">
        <Words text={value} />
      </span>
    );
  return <span class="json-literal">{String(value)}</span>;
}

function Branch({ entries, depth }: { entries: [string, unknown][]; depth: number }) {
  const [shown, setShown] = useState(atOnce);
  return (
    <ul class="json-branch">
      {entries.slice(0, shown).map(([key, value]) => (
        <li key={key}>
          <Node name={key} value={value} depth={depth} />
        </li>
      ))}
      {entries.length > shown && (
        <li>
          <button type="button" class="link" onClick={() => setShown(shown + 10 * atOnce)}>
            {count(entries.length - shown)} more
          </button>
        </li>
      )}
    </ul>
  );
}

const isBranch = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

function Node({ name, value, depth }: { name: string; value: unknown; depth: number }) {
  const size = isBranch(value) ? Object.keys(value).length : 0;
  const [isOpen, setOpen] = useState(depth < 2 && size <= 30);
  if (!isBranch(value))
    return (
      <div class="json-leaf">
        <span class="json-key">{name}</span>{' '}
        <Leaf
          value={typeof value === 'object' && value ? (Array.isArray(value) ? '[]' : '{}') : value}
        />
      </div>
    );
  return (
    <>
      <button
        type="button"
        class="json-toggle"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span class="json-key">{name}</span>{' '}
        <span class="muted">{Array.isArray(value) ? `[${count(size)}]` : `{${count(size)}}`}</span>
      </button>
      {isOpen && <Branch entries={Object.entries(value)} depth={depth + 1} />}
    </>
  );
}

export function JsonView({ value }: { value: unknown }) {
  if (!isBranch(value))
    return (
      <div class="json-view">
        <Leaf value={value ?? null} />
      </div>
    );
  return (
    <div class="json-view">
      <Branch entries={Object.entries(value)} depth={0} />
    </div>
  );
}
