// What a search finds, and why: scores, ranks, times, the plan.
import { useState } from 'preact/hooks';
import {
  api,
  type Plan,
  type Problem,
  type SearchItem,
  type SearchMode,
  type SearchReply,
} from '../api';
import { count, documentName, milliseconds, placeName, plural, score } from '../format';
import { asProblem, useStop, useTitle } from '../hooks';
import {
  Choice,
  Empty,
  Field,
  InputField,
  Marked,
  Page,
  ProblemBox,
  queryWords,
  Waiting,
} from '../parts/common';
import { checkFilter } from '../parts/filter';
import { CollectionPicker, useCollection } from '../parts/picker';
import { DocumentDrawer, type Target } from '../parts/viewer';
import { Link } from '../router';

const modes = [
  ['hybrid', 'Hybrid'],
  ['dense', 'Meaning'],
  ['lexical', 'Words'],
] as const;

const stages = ['embed', 'lexical', 'dense', 'fuse', 'rerank']; // In the order in which they run.

function Timing({ timing }: { timing: Record<string, number> }) {
  const total = timing.total ?? Object.values(timing).reduce((sum, ms) => sum + ms, 0);
  const known = stages.filter((name) => (timing[name] ?? 0) > 0);
  const others = Object.keys(timing).filter((name) => name !== 'total' && !stages.includes(name));
  const parts = [...known, ...others].map((name) => [name, timing[name]!] as const);
  return (
    <div class="timing">
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        {
          parts.reduce<{ at: number; bars: preact.JSX.Element[] }>(
            ({ at, bars }, [name, ms], i) => {
              const width = total > 0 ? (ms / total) * 100 : 0;
              return {
                at: at + width,
                bars: [
                  ...bars,
                  <rect
                    key={name}
                    class={`part part-${i % 5}`}
                    x={at}
                    y="0"
                    width={width}
                    height="4"
                  />,
                ],
              };
            },
            { at: 0, bars: [] },
          ).bars
        }
      </svg>
      <p class="muted">
        {parts.map(([name, ms], i) => (
          <span key={name} class={`dot part-${i % 5}`}>
            {name} {milliseconds(ms)}
          </span>
        ))}
        <span>total {milliseconds(total)}</span>
      </p>
    </div>
  );
}

const readings: Record<string, string> = {
  exact: 'every selected vector was read',
  codes: 'short codes of all vectors were read, then the vectors of the best',
  none: 'no vectors were read',
};

function PlanView({ plan }: { plan: Plan }) {
  return (
    <dl class="plan" data-testid="plan">
      <div>
        <dt>Vectors</dt>
        <dd>
          {plan.dense} <span class="muted">({readings[plan.dense] ?? 'as named'})</span>
        </dd>
      </div>
      <div>
        <dt>Matches</dt>
        <dd>
          {count(plan.matches)} of {plural(plan.chunks, 'chunk')}
        </dd>
      </div>
      <div>
        <dt>Read</dt>
        <dd>
          {plural(plan.codes_read, 'code')}, {plural(plan.vectors_read, 'vector')}
        </dd>
      </div>
      <div>
        <dt>Segments</dt>
        <dd>{count(plan.segments)}</dd>
      </div>
    </dl>
  );
}

function Score({
  name,
  value,
  rank,
  share,
}: {
  name: string;
  value: number | null;
  rank?: number | null;
  share: number;
}) {
  if (value === null || value === undefined) return null;
  return (
    <div class="score">
      <span class="muted">{name}</span>
      <meter
        min={0}
        max={1}
        value={Math.max(0, Math.min(1, share))}
        aria-label={`${name} beside the best`}
      />
      <span class="number">{score(value)}</span>
      <span class="muted">{rank ? `#${rank}` : ''}</span>
    </div>
  );
}

const shownAtFirst = 600; // Characters.

function Passage({ text, words }: { text: string; words: string[] }) {
  const [isWhole, setWhole] = useState(text.length <= shownAtFirst * 1.2);
  return (
    <p class="passage">
      <Marked
        text={isWhole ? text : `${text.slice(0, text.lastIndexOf(' ', shownAtFirst))} … `}
        words={words}
      />
      {!isWhole && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          Show all
        </button>
      )}
    </p>
  );
}

function Result({
  item,
  best,
  words,
  onOpen,
}: {
  item: SearchItem;
  best: Record<string, number>;
  words: string[];
  onOpen: () => void;
}) {
  const share = (value: number | null, of: string) =>
    value === null || !best[of] ? 0 : value / best[of]!;
  return (
    <li class="result" data-testid="result">
      <div class="result-head">
        <span class="rank">{item.rank}</span>
        <button type="button" class="link" onClick={onOpen}>
          {documentName(item)}
        </button>
        <span class="muted">{[item.path, placeName(item)].filter(Boolean).join(' · ')}</span>
      </div>
      <Passage text={item.text} words={words} />
      <div class="scores">
        <Score name="fused" value={item.score} share={share(item.score, 'score')} />
        <Score
          name="meaning"
          value={item.scores.dense}
          rank={item.ranks.dense}
          share={share(item.scores.dense, 'dense')}
        />
        <Score
          name="words"
          value={item.scores.lexical}
          rank={item.ranks.lexical}
          share={share(item.scores.lexical, 'lexical')}
        />
        <Score
          name="rerank"
          value={item.scores.rerank}
          share={share(item.scores.rerank, 'rerank')}
        />
      </div>
    </li>
  );
}

function bestOf(items: SearchItem[]): Record<string, number> {
  const most = (pick: (item: SearchItem) => number | null) =>
    Math.max(0, ...items.map((item) => pick(item) ?? 0));
  return {
    score: most((i) => i.score),
    dense: most((i) => i.scores.dense),
    lexical: most((i) => i.scores.lexical),
    rerank: most((i) => i.scores.rerank),
  };
}

function Results({
  reply,
  isFiltered,
  onOpen,
}: {
  reply: SearchReply;
  isFiltered: boolean;
  onOpen: (item: SearchItem) => void;
}) {
  const best = bestOf(reply.items);
  const words = queryWords(reply.query);
  return (
    <section aria-label="Results">
      <p class="summary" role="status">
        {reply.items.length
          ? `The best ${count(reply.items.length)} of ${plural(reply.matches, isFiltered ? 'matching chunk' : 'chunk')}`
          : 'Nothing was found'}
        <span class="muted"> · version {reply.index_version}</span>
      </p>
      <Timing timing={reply.timing_ms} />
      {reply.plan && <PlanView plan={reply.plan} />}
      {reply.items.length === 0 && (
        <Empty icon="search" title="No passage fits">
          {reply.matches === 0
            ? 'The filter lets nothing pass; loosen it.'
            : 'None of these words is in the collection; try Hybrid or Meaning.'}
        </Empty>
      )}
      <ol class="results">
        {reply.items.map((item) => (
          <Result
            key={item.chunk_id}
            item={item}
            best={best}
            words={words}
            onOpen={() => onOpen(item)}
          />
        ))}
      </ol>
    </section>
  );
}

export function SearchPage() {
  useTitle('Search');
  const picked = useCollection();
  const [query, setQuery] = useState('');
  const [mode, setMode] = useState<SearchMode>('hybrid');
  const [limit, setLimit] = useState(10);
  const [filterText, setFilterText] = useState('');
  const [explain, setExplain] = useState(true);
  const [collapse, setCollapse] = useState(false);
  const [rerank, setRerank] = useState(true);
  const [reply, setReply] = useState<SearchReply | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [target, setTarget] = useState<Target | null>(null);
  const stop = useStop();
  const filter = checkFilter(filterText);
  const hasReranker = !!picked.list.value?.find((c) => c.name === picked.name)?.reranker;

  const search = async (event?: Event, chosen: SearchMode = mode) => {
    event?.preventDefault();
    if (!query.trim() || !picked.name || filter.error) return;
    const signal = stop.take();
    setBusy(true);
    try {
      const found = await api.search(
        {
          collection: picked.name,
          query: query.trim(),
          limit,
          mode: chosen,
          filter: filter.value,
          explain,
          collapse: collapse || undefined,
          rerank: hasReranker ? rerank : undefined,
        },
        signal,
      );
      setReply(found);
      setProblem(null);
    } catch (error) {
      if (signal.aborted) return;
      setProblem(asProblem(error));
      setReply(null);
    }
    setBusy(false);
  };
  const chooseMode = (next: SearchMode) => {
    setMode(next);
    if (reply) void search(undefined, next);
  };
  const open = (item: SearchItem) =>
    setTarget({
      collection: reply!.collection,
      document_id: item.document_id,
      name: documentName(item),
      path: item.path || item.uri,
      place: item,
      quote: item.text,
    });

  const hasNothing = picked.list.value !== null && !picked.list.value.some((c) => c.documents > 0);
  return (
    <Page
      title="Search"
      lead="See which passages a question finds, and why they stand in this order."
    >
      <ProblemBox problem={picked.list.problem} retry={picked.list.reload} />
      {hasNothing && (
        <Empty
          icon="collections"
          title="There is nothing to search yet"
          action={
            <Link class="button" href="/collections">
              Add documents
            </Link>
          }
        >
          Bring in some documents first.
        </Empty>
      )}
      {!hasNothing && (
        <form class="card stack" onSubmit={search}>
          <div class="search-row">
            <InputField
              label="Query"
              class="grow"
              type="search"
              value={query}
              maxLength={8000}
              data-shortcut="focus"
              enterkeyhint="search"
              onInput={setQuery}
            />
            <CollectionPicker picked={picked} />
            <button type="submit" disabled={!query.trim() || !picked.name || !!filter.error}>
              Search
            </button>
          </div>
          <div class="grid">
            <Choice label="Compare by" value={mode} options={modes} onChange={chooseMode} />
            <Field label="Results">
              {(attributes) => (
                <input
                  {...attributes}
                  type="number"
                  min={1}
                  max={1000}
                  value={limit}
                  onInput={(event) => setLimit(event.currentTarget.valueAsNumber || 10)}
                />
              )}
            </Field>
            <Field
              label="Filter (JSON)"
              error={filter.error}
              hint='{"path": "guide.pdf"} or {"year": {"$gte": 2024}}'
              class="wide"
            >
              {(attributes) => (
                <textarea
                  {...attributes}
                  class="code"
                  rows={2}
                  value={filterText}
                  spellcheck={false}
                  autocomplete="off"
                  onInput={(event) => setFilterText(event.currentTarget.value)}
                />
              )}
            </Field>
          </div>
          <div class="row checks">
            <label>
              <input
                type="checkbox"
                checked={explain}
                onChange={(event) => setExplain(event.currentTarget.checked)}
              />{' '}
              Explain
            </label>
            <label>
              <input
                type="checkbox"
                checked={collapse}
                onChange={(event) => setCollapse(event.currentTarget.checked)}
              />{' '}
              Leave out repetitions
            </label>
            {hasReranker && (
              <label>
                <input
                  type="checkbox"
                  checked={rerank}
                  onChange={(event) => setRerank(event.currentTarget.checked)}
                />{' '}
                Rerank
              </label>
            )}
          </div>
        </form>
      )}
      <ProblemBox problem={problem} />
      {isBusy && !reply && <Waiting lines={5} label="Searching" />}
      {reply && (
        <div aria-busy={isBusy}>
          <Results reply={reply} isFiltered={filter.value !== undefined} onOpen={open} />
        </div>
      )}
      {target && <DocumentDrawer target={target} onClose={() => setTarget(null)} />}
    </Page>
  );
}
