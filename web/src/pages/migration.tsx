// A collection on its way to another embedder or splitter, and back.
import { useEffect, useState } from 'preact/hooks';
import {
  api,
  type Collection,
  type Generation,
  type GoldQuestion,
  type Job,
  type MigrateRequest,
  type MigrationReport,
  type Problem,
} from '../api';
import { count, fileName, plural, time } from '../format';
import { asProblem, useLoaded, useStop } from '../hooks';
import { Confirm, Field, ProblemBox, Progress, Waiting } from '../parts/common';
import { type Cut, SplitterFields } from '../parts/splitter';

type Move = Job<MigrationReport>;
const isMove = (job: Job): job is Move => job.kind === 'migrate' || job.kind === 'rollback';
const isOver = (job: Move): boolean => job.state !== 'queued' && job.state !== 'running';

export function splitterName({ kind, chunk_size, chunk_overlap, unit }: Generation['splitter']) {
  const overlap = chunk_overlap ? `, overlap ${count(chunk_overlap)}` : '';
  return `${kind}, ${count(chunk_size)} ${kind === 'token' ? 'tokens' : unit}${overlap}`;
}
const generationName = (generation: Generation): string =>
  `${generation.embedder}, ${splitterName(generation.splitter)}`;

const example = '{"input": "How long are traces kept?", "relevance": {"guide/traces.md": 1}}';

/** One question a line, as `slipway collections migrate --gold` reads them; or what is wrong with one. */
export function readGold(text: string): { questions: GoldQuestion[]; error: string | null } {
  const questions: GoldQuestion[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (!line.trim()) continue;
    const wrong = (what: string) => ({ questions: [], error: `Line ${i + 1} ${what}` });
    let value: Partial<GoldQuestion> | null;
    try {
      value = JSON.parse(line);
    } catch {
      return wrong('is no JSON; write one question a line, as in the example');
    }
    const grades = Object.values(value?.relevance ?? {});
    if (typeof value?.input !== 'string' || !value.input)
      return wrong('has no "input": the question');
    if (!grades.length || grades.some((grade) => typeof grade !== 'number'))
      return wrong('has no "relevance": the documents that answer, each with a grade such as 1');
    questions.push({ input: value.input, relevance: value.relevance! });
  }
  return { questions, error: null };
}

/** The job of this collection that runs or ended last, followed to its end. */
function useMove(name: string, onDone: () => void) {
  const [job, setJob] = useState<Move | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isStarting, setStarting] = useState(false);
  const stop = useStop();
  const follow = async (begun: Move, signal: AbortSignal) => {
    setJob(begun);
    setStarting(false);
    await api.followJob<MigrationReport>(begun.id, setJob, signal);
    onDone();
  };
  const attempt = async (work: (signal: AbortSignal) => Promise<void>) => {
    const signal = stop.take();
    setProblem(null);
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      setStarting(false);
      setProblem(asProblem(error));
    }
  };
  useEffect(() => {
    // It may have been started elsewhere, or before the page was loaded anew.
    void attempt(async (signal) => {
      const last = (await api.jobs(signal)).find((one) => one.collection === name && isMove(one));
      if (!last || !isMove(last)) return;
      if (isOver(last)) setJob(last);
      else await follow(last, signal);
    });
  }, [name]);
  return {
    job,
    problem,
    isBusy: isStarting || (job !== null && !isOver(job)),
    start: (begin: () => Promise<Move>) =>
      attempt(async (signal) => {
        setJob(null);
        setStarting(true);
        await follow(await begin(), signal);
      }),
    cancel: () =>
      job && api.cancelJob(job.id).catch((error: unknown) => setProblem(asProblem(error))),
  };
}

function Scores({ gold }: { gold: NonNullable<MigrationReport['gold']> }) {
  const rows = [
    ['Recall', gold.before.recall, gold.after.recall],
    ['nDCG', gold.before.ndcg, gold.after.ndcg],
  ] as const;
  return (
    <table class="scores-table">
      <caption>
        {plural(gold.questions, 'gold question')}, documents among the first{' '}
        {plural(gold.limit, 'passage')}
      </caption>
      <thead>
        <tr>
          <th scope="col">Score</th>
          <th scope="col" class="number">
            Before
          </th>
          <th scope="col" class="number">
            After
          </th>
          <th scope="col" class="number">
            Change
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([score, before, after]) => (
          <tr key={score}>
            <th scope="row">{score}</th>
            <td class="number">{before.toFixed(3)}</td>
            <td class="number">{after.toFixed(3)}</td>
            <td class={`number ${after < before ? 'bad' : ''}`}>
              {after > before ? '+' : after < before ? '−' : ''}
              {Math.abs(after - before).toFixed(3)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function verdict({ gold, switched, to, from, index_version }: MigrationReport): string {
  if (switched)
    return `${generationName(to)} serves since version ${count(index_version)}.`;
  return (
    `${generationName(from)} still serves: a score fell by more than ${gold?.margin ?? 0}. ` +
    'What was built is kept for the next try.'
  );
}

function workText(job: Move): string {
  const { done, total, current } = job.progress;
  const doing = job.kind === 'migrate' ? 'Migrating' : 'Rolling back';
  if (job.state === 'queued') return 'Waiting for its turn';
  // All may be there already; the gold questions are asked when everything is.
  if (!total) return doing;
  if (done === total) return `${doing}: all documents are built, comparing`;
  return `${doing}: ${count(done)} of ${plural(total, 'document')}${current ? ` · ${fileName(current)}` : ''}`;
}

function endText(job: Move): string {
  const what = job.kind === 'migrate' ? 'Migration' : 'Rollback';
  const how = { done: '', failed: ' failed', cancelled: ' stopped' }[job.state as 'done'];
  return `${what}${how} · ${time(job.finished_at)}`;
}

function MoveView({ job, onCancel }: { job: Move; onCancel: () => void }) {
  const { result, progress } = job;
  const over = isOver(job);
  return (
    <section class="run" aria-label="Last run" data-testid="move" data-state={job.state}>
      <div class="row between">
        <span role="status">
          {result && (
            <span class={`state ${result.switched ? 'valid' : 'stale'}`}>
              {result.switched ? 'switched' : 'kept'}
            </span>
          )}{' '}
          {over ? endText(job) : workText(job)}
        </span>
        {!over && (
          <button type="button" class="quiet small" onClick={onCancel}>
            Stop
          </button>
        )}
      </div>
      {!over && (
        <Progress
          share={progress.total ? progress.done / progress.total : null}
          label="Progress of the migration"
        />
      )}
      {job.state === 'failed' && job.error && (
        <p class="failures" role="alert">
          {job.error}
        </p>
      )}
      {job.state === 'cancelled' && (
        <p class="muted">Nothing was changed; what was built is kept for the next try.</p>
      )}
      {result?.gold && <Scores gold={result.gold} />}
      {result && <p>{verdict(result)}</p>}
    </section>
  );
}

function GoldFields({
  text,
  onText,
  margin,
  onMargin,
  error,
}: {
  text: string;
  onText: (text: string) => void;
  margin: number;
  onMargin: (margin: number) => void;
  error: string | null;
}) {
  return (
    <details class="options">
      <summary>Gold questions that both must answer</summary>
      <div class="stack">
        <Field
          label="One question a line"
          error={error}
          hint="A document is named by its path, URI or id. The new one serves only if no score falls."
        >
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={5}
              spellcheck={false}
              placeholder={example}
              value={text}
              onInput={(event) => onText(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="row">
          <Field label="Or from a file" class="grow">
            {(attributes) => (
              <input
                {...attributes}
                type="file"
                accept=".jsonl,.ndjson,.json,.txt"
                onChange={async ({ currentTarget }) => {
                  const file = currentTarget.files?.[0];
                  currentTarget.value = '';
                  if (file) onText(await file.text());
                }}
              />
            )}
          </Field>
          <Field label="A score may fall by">
            {(attributes) => (
              <input
                {...attributes}
                type="number"
                required
                min={0}
                max={1}
                step={0.001}
                value={Number.isNaN(margin) ? '' : margin}
                onInput={(event) => onMargin(event.currentTarget.valueAsNumber)}
              />
            )}
          </Field>
        </div>
      </div>
    </details>
  );
}

/** What is asked of the server: only what differs from what the collection is. */
function requestOf(collection: Collection, embedder: string, cut: Cut): MigrateRequest {
  const { splitter } = collection;
  const request: MigrateRequest = {};
  if (embedder !== collection.embedder) request.embedder = embedder;
  if (cut.kind !== splitter.kind) request.splitter = cut;
  else if (
    cut.chunk_size !== splitter.chunk_size ||
    cut.chunk_overlap !== splitter.chunk_overlap
  )
    request.splitter = { ...splitter, ...cut };
  return request;
}

function MigrateForm({
  collection,
  isBusy,
  onStart,
}: {
  collection: Collection;
  isBusy: boolean;
  onStart: (request: MigrateRequest) => void;
}) {
  const models = useLoaded((signal) => api.models(signal), 'models');
  const { kind, chunk_size, chunk_overlap } = collection.splitter;
  const [embedder, setEmbedder] = useState(collection.embedder);
  const [cut, setCut] = useState<Cut>({ kind, chunk_size, chunk_overlap });
  const [text, setText] = useState('');
  const [margin, setMargin] = useState(0);
  const { questions, error } = readGold(text);
  const request = requestOf(collection, embedder, cut);
  const changes = Object.keys(request).length > 0;
  const embedders = (models.value ?? [])
    .filter((model) => model.task === 'embed' && model.name !== collection.embedder)
    .map((model) => model.name);
  const begin = (event: Event) => {
    event.preventDefault();
    if (changes && !error)
      onStart(questions.length ? { ...request, gold: questions, margin } : request);
  };
  return (
    <form class="stack" onSubmit={begin}>
      <p class="muted">
        Built anew from the stored texts, beside what serves meanwhile.{' '}
        {questions.length
          ? `It takes over if ${plural(questions.length, 'gold question')} ${questions.length === 1 ? 'finds' : 'find'} no less.`
          : 'Without gold questions it takes over once it is complete.'}
      </p>
      <Field label="Embedder">
        {(attributes) => (
          <select
            {...attributes}
            value={embedder}
            onChange={(event) => setEmbedder(event.currentTarget.value)}
          >
            {[collection.embedder, ...embedders].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
      <SplitterFields cut={cut} onChange={setCut} />
      <GoldFields
        text={text}
        onText={setText}
        margin={margin}
        onMargin={setMargin}
        error={error}
      />
      <div class="row begin">
        <button type="submit" disabled={isBusy || !changes || !!error}>
          Migrate
        </button>
        {!changes && <span class="note">Choose another embedder or splitter first</span>}
      </div>
    </form>
  );
}

function RollBack({
  former,
  serving,
  isBusy,
  onStart,
}: {
  former: Generation;
  serving: Collection;
  isBusy: boolean;
  onStart: () => void;
}) {
  const [isAsking, setAsking] = useState(false);
  return (
    <section aria-label="Roll back" class="row between former">
      <p>
        <span class="muted block">Before the last migration</span>
        {generationName(former)}
      </p>
      <button type="button" class="quiet" disabled={isBusy} onClick={() => setAsking(true)}>
        Roll back
      </button>
      {isAsking && (
        <Confirm
          title={`Roll back ${serving.name}?`}
          verb="Roll back"
          kind="plain"
          onClose={() => setAsking(false)}
          onConfirm={async () => onStart()}
        >
          <div class="stack">
            <p>
              <strong>{generationName(former)}</strong> comes back, with its{' '}
              {plural(former.documents, 'document')} and {plural(former.chunks, 'chunk')}, and serves
              in the place of {serving.embedder}, {splitterName(serving.splitter)}.
            </p>
            <p>
              What came in since then comes along; only documents that differ are embedded. Rolling
              back once more brings back what serves now.
            </p>
          </div>
        </Confirm>
      )}
    </section>
  );
}

/** The one that was left last. */
function lastFormer(generations: Generation[]): Generation | undefined {
  return generations
    .filter((one) => one.state === 'former')
    .sort((a, b) => b.last_version - a.last_version)[0];
}

export function Migration({
  collection,
  onChange,
}: {
  collection: Collection;
  onChange: () => void;
}) {
  const { name, index_version } = collection;
  const list = useLoaded((signal) => api.versions(name, signal), `${name}/${index_version}`);
  const { job, problem, isBusy, start, cancel } = useMove(name, onChange);
  const former = lastFormer(list.value?.generations ?? []);
  return (
    <section aria-label="Migration" class="stack">
      <ProblemBox problem={list.problem ?? problem} />
      {!list.value && !list.problem && <Waiting lines={4} />}
      {list.value && (
        <>
          <MigrateForm
            key={`${collection.embedder}/${JSON.stringify(collection.splitter)}`}
            collection={collection}
            isBusy={isBusy}
            onStart={(request) => void start(() => api.migrate(name, request))}
          />
          {job && <MoveView job={job} onCancel={() => void cancel()} />}
          {former && (
            <RollBack
              former={former}
              serving={collection}
              isBusy={isBusy}
              onStart={() => void start(() => api.rollBack(name))}
            />
          )}
        </>
      )}
    </section>
  );
}
