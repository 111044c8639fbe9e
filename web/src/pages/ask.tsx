// Questions, and answers whose every sentence shows where it stands.
import { signal } from '../signal';
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  api,
  type Answer,
  type AnswerMode,
  type Citation,
  type Problem,
  type SearchItem,
  type Sentence,
} from '../api';
import { asProblem, useLoaded, useStop, useTitle } from '../hooks';
import { documentName } from '../format';
import { Choice, Empty, Field, Page, ProblemBox } from '../parts/common';
import { checkFilter } from '../parts/filter';
import { Icon } from '../parts/icons';
import { CollectionPicker, useCollection } from '../parts/picker';
import { TurnView } from '../parts/turn';
import { DocumentDrawer, type Target } from '../parts/viewer';
import { Link } from '../router';

export interface Turn {
  id: number;
  collection: string;
  question: string;
  state: 'searching' | 'answering' | 'done' | 'failed' | 'stopped';
  passages: number;
  sentences: Sentence[];
  citations: Citation[];
  answer: Answer | null;
  problem: Problem | null;
}

// Kept while the page is open, so that looking at a collection does not lose the answers.
const turns = signal<Turn[]>([]);
let lastId = 0;
const turnsMax = 50;

function change(id: number, update: (turn: Turn) => Partial<Turn>): void {
  turns.set(turns.get().map((turn) => (turn.id === id ? { ...turn, ...update(turn) } : turn)));
}

const modes = [
  ['auto', 'Auto'],
  ['generate', 'Generate'],
  ['extract', 'Quote'],
] as const;

interface Options {
  mode: AnswerMode;
  limit: number;
  model: string;
  filter: string;
}

function AskOptions({
  options,
  setOptions,
}: {
  options: Options;
  setOptions: (options: Options) => void;
}) {
  const models = useLoaded((stop) => api.models(stop), 'models');
  const chat = (models.value ?? []).filter((model) => model.task === 'chat');
  const { error } = checkFilter(options.filter);
  return (
    <details class="options">
      <summary>Options</summary>
      <div class="grid">
        <Choice
          label="Answer"
          value={options.mode}
          options={modes}
          onChange={(mode) => setOptions({ ...options, mode })}
        />
        <Field label="Passages to read">
          {(attributes) => (
            <input
              {...attributes}
              type="number"
              min={1}
              max={50}
              value={options.limit}
              onInput={(event) =>
                setOptions({ ...options, limit: event.currentTarget.valueAsNumber || 8 })
              }
            />
          )}
        </Field>
        <Field label="Chat model">
          {(attributes) => (
            <select
              {...attributes}
              value={options.model}
              disabled={options.mode === 'extract'}
              onChange={(event) => setOptions({ ...options, model: event.currentTarget.value })}
            >
              <option value="">The default</option>
              {chat.map((model) => (
                <option key={model.name}>{model.name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field
          label="Filter (JSON)"
          error={error}
          hint='Only documents that match, such as {"path": "guide.pdf"}'
          class="wide"
        >
          {(attributes) => (
            <input
              {...attributes}
              class="code"
              value={options.filter}
              spellcheck={false}
              autocomplete="off"
              onInput={(event) => setOptions({ ...options, filter: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}

/** What is said aloud while an answer comes. */
function announcement(turn: Turn | undefined): string {
  if (!turn) return '';
  if (turn.state === 'searching') return 'Searching';
  if (turn.state === 'answering') return `${turn.passages} passages found, answering`;
  if (turn.state === 'failed') return 'No answer came';
  if (turn.state === 'stopped') return 'Stopped';
  return turn.answer?.refused
    ? turn.answer.answer
    : `Answer: ${turn.sentences.map((sentence) => sentence.text).join(' ')}`;
}

export function AskPage() {
  useTitle('Ask');
  const picked = useCollection();
  const list = turns.use();
  const [question, setQuestion] = useState('');
  const [options, setOptions] = useState<Options>({
    mode: 'auto',
    limit: 8,
    model: '',
    filter: '',
  });
  const [target, setTarget] = useState<Target | null>(null);
  const stop = useStop();
  const box = useRef<HTMLTextAreaElement>(null);
  const running =
    list[0] && (list[0].state === 'searching' || list[0].state === 'answering') ? list[0] : null;
  const filter = checkFilter(options.filter);

  // An answer that nobody can see any more is not computed any further.
  useEffect(
    () => () => {
      const first = turns.get()[0];
      if (first && (first.state === 'searching' || first.state === 'answering'))
        change(first.id, () => ({ state: 'stopped' }));
    },
    [],
  );

  const ask = async (event?: Event) => {
    event?.preventDefault();
    const text = question.trim();
    if (!text || !picked.name || running || filter.error) return;
    const id = ++lastId;
    const turn: Turn = {
      id,
      collection: picked.name,
      question: text,
      state: 'searching',
      passages: 0,
      sentences: [],
      citations: [],
      answer: null,
      problem: null,
    };
    turns.set([turn, ...turns.get()].slice(0, turnsMax));
    setQuestion('');
    const signal = stop.take();
    try {
      const answer = await api.ask(
        {
          collection: picked.name,
          question: text,
          mode: options.mode,
          limit: options.limit,
          model: options.model || undefined,
          filter: filter.value,
        },
        {
          onPassages: (items) => change(id, () => ({ state: 'answering', passages: items.length })),
          onSentence: (sentence, citations) =>
            change(id, (old) => ({
              sentences: [...old.sentences, sentence],
              citations: [...old.citations, ...citations],
            })),
        },
        signal,
      );
      change(id, () => ({
        state: 'done',
        answer,
        sentences: answer.sentences,
        citations: answer.citations,
      }));
    } catch (error) {
      if (signal.aborted) change(id, () => ({ state: 'stopped' }));
      else change(id, () => ({ state: 'failed', problem: asProblem(error) }));
    }
    box.current?.focus();
  };

  const openCitation = (turn: Turn, citation: Citation) =>
    setTarget({
      collection: turn.collection,
      document_id: citation.document_id,
      name: documentName(citation),
      path: citation.path || citation.uri,
      place: citation,
      quote: citation.quote,
    });
  const openPassage = (turn: Turn, item: SearchItem) =>
    setTarget({
      collection: turn.collection,
      document_id: item.document_id,
      name: documentName(item),
      path: item.path || item.uri,
      place: item,
    });

  const hasNothing = picked.list.value !== null && !picked.list.value.some((c) => c.documents > 0);
  return (
    <Page
      title="Ask"
      lead="Every sentence of an answer shows where it stands. What your documents do not say is not answered."
    >
      <ProblemBox problem={picked.list.problem} retry={picked.list.reload} />
      {hasNothing ? (
        <Empty
          icon="collections"
          title="There is nothing to ask yet"
          action={
            <Link class="button" href="/collections">
              Add documents
            </Link>
          }
        >
          Bring in some documents first: drop files on a collection, or run{' '}
          <code>slipway ingest FOLDER</code>.
        </Empty>
      ) : (
        <form class="ask" onSubmit={ask}>
          <div class="ask-box">
            <label class="hidden" for="question">
              Question
            </label>
            <textarea
              id="question"
              ref={box}
              rows={2}
              value={question}
              maxLength={8000}
              placeholder="What do you want to know?"
              data-shortcut="focus"
              onInput={(event) => setQuestion(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void ask(event);
              }}
            />
            <div class="ask-row">
              <CollectionPicker picked={picked} />
              {running ? (
                <button type="button" class="quiet" onClick={stop.stop}>
                  <Icon name="stop" /> Stop
                </button>
              ) : (
                <button type="submit" disabled={!question.trim() || !picked.name || !!filter.error}>
                  Ask
                </button>
              )}
            </div>
          </div>
          <AskOptions options={options} setOptions={setOptions} />
        </form>
      )}
      <p class="hidden" role="status" aria-live="polite">
        {announcement(list[0])}
      </p>
      <div class="turns">
        {list.map((turn) => (
          <TurnView
            key={turn.id}
            turn={turn}
            onCitation={(citation) => openCitation(turn, citation)}
            onPassage={(item) => openPassage(turn, item)}
          />
        ))}
      </div>
      {target && <DocumentDrawer target={target} onClose={() => setTarget(null)} />}
    </Page>
  );
}
