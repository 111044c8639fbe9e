// One question with its answer, sources and receipt.
import { useState } from 'preact/hooks';
import {
  api,
  type Answer,
  type Citation,
  type Problem,
  type Replay,
  type SearchItem,
  type Sentence,
} from '../api';
import { asProblem } from '../hooks';
import { documentName, dollars, milliseconds, placeName, plural, score } from '../format';
import type { Turn } from '../pages/ask';
import { Link } from '../router';
import { CopyButton, ProblemBox, Waiting } from './common';
import { Icon } from './icons';

const reasons: Record<string, string> = {
  no_documents: 'The collection is empty, or the filter lets nothing pass.',
  weak_evidence: 'The passages that were found are not about this.',
  nothing_supported: 'The model wrote nothing that the passages carry.',
  budget: 'The answer would cost more than it may.',
};

interface Opens {
  onCitation: (citation: Citation) => void;
  onPassage: (item: SearchItem) => void;
}

function SentenceView({
  sentence,
  citations,
  onCitation,
}: {
  sentence: Sentence;
  citations: Citation[];
  onCitation: Opens['onCitation'];
}) {
  return (
    <span
      class={sentence.supported ? 'sentence' : 'sentence unsupported'}
      title={sentence.supported ? undefined : 'No passage carries this sentence'}
    >
      {sentence.text}
      {sentence.citations.map((number) => {
        const citation = citations.find((c) => c.number === number);
        return (
          <button
            key={number}
            type="button"
            class="cite"
            disabled={!citation}
            aria-label={
              citation ? `Source ${number}: ${documentName(citation)}` : `Source ${number}`
            }
            onClick={() => citation && onCitation(citation)}
          >
            {number}
          </button>
        );
      })}{' '}
    </span>
  );
}

function Sources({
  citations,
  states,
  onCitation,
}: {
  citations: Citation[];
  states: Replay['citations'];
  onCitation: Opens['onCitation'];
}) {
  if (!citations.length) return null;
  return (
    <section aria-label="Sources">
      <h3>Sources</h3>
      <ol class="sources">
        {citations.map((citation) => {
          const state = states.find((c) => c.number === citation.number)?.state;
          return (
            <li key={citation.number}>
              <button type="button" class="source" onClick={() => onCitation(citation)}>
                <span class="source-number" aria-hidden="true">
                  {citation.number}
                </span>
                <span class="source-body">
                  <span class="source-name">
                    {documentName(citation)}
                    {state && <span class={`state ${state}`}>{state}</span>}
                  </span>
                  <q>{citation.quote}</q>
                  <span class="muted">
                    {[citation.path, placeName(citation)].filter(Boolean).join(' · ')}
                  </span>
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Nearest({ items, onPassage }: { items: SearchItem[]; onPassage: Opens['onPassage'] }) {
  if (!items.length) return null;
  return (
    <section aria-label="Nearest passages">
      <h3>One might look here</h3>
      <ol class="sources">
        {items.map((item) => (
          <li key={item.chunk_id}>
            <button type="button" class="source" onClick={() => onPassage(item)}>
              <span class="source-body">
                <span class="source-name">{documentName(item)}</span>
                <q class="clamp">{item.text}</q>
                <span class="muted">
                  {[item.path, placeName(item)].filter(Boolean).join(' · ')}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Dropped({ answer }: { answer: Answer }) {
  if (!answer.dropped.length) return null;
  return (
    <details class="dropped">
      <summary>{plural(answer.dropped.length, 'sentence')} left out</summary>
      <ul>
        {answer.dropped.map((sentence, i) => (
          <li key={i}>
            <del>{sentence.text}</del>
            <span class="muted"> {sentence.why}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function replayText(replay: Replay): string {
  const words = {
    identical: 'the same passages in the same order',
    differs: 'other passages than then',
  };
  const bad = replay.citations.filter((c) => c.state !== 'valid').length;
  const citations = !replay.citations.length
    ? ''
    : bad
      ? `; ${plural(bad, 'citation')} of ${replay.citations.length} no longer hold`
      : '; every citation still stands';
  const version = replay.is_recorded_version
    ? `in version ${replay.index_version}`
    : `in version ${replay.index_version}, as the recorded one is not kept`;
  return `Searched again ${version}: ${words[replay.retrieval]}${citations}.`;
}

function Receipt({ answer, onReplay }: { answer: Answer; onReplay: (replay: Replay) => void }) {
  const [result, setResult] = useState<Replay | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const replay = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const outcome = await api.replay(answer.receipt_id);
      setResult(outcome);
      onReplay(outcome);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  const total = answer.timing_ms.total;
  return (
    <footer class="receipt">
      <p class="muted">
        {answer.refused
          ? 'Refused'
          : answer.mode === 'extract'
            ? 'Quoted, no model'
            : `Written by ${answer.model ?? 'the model'}, checked`}
        {total !== undefined && ` · ${milliseconds(total)}`}
        {` · evidence ${score(answer.evidence)} · version ${answer.index_version}`}
        {answer.cost_usd > 0 && ` · ${dollars(answer.cost_usd)}`}
      </p>
      {answer.receipt_id && (
        <div class="row">
          <button type="button" class="quiet small" disabled={isBusy} onClick={replay}>
            <Icon name="replay" /> {isBusy ? 'Replaying' : 'Replay'}
          </button>
          <Link
            class="button quiet small"
            href={`/receipts/${encodeURIComponent(answer.receipt_id)}`}
          >
            Receipt
          </Link>
          {!answer.refused && <CopyButton text={answer.answer} label="Copy" />}
        </div>
      )}
      <p class="note" role="status">
        {result && replayText(result)}
      </p>
      <ProblemBox problem={problem} />
    </footer>
  );
}

export function TurnView({ turn, onCitation, onPassage }: { turn: Turn } & Opens) {
  const [replay, setReplay] = useState<Replay | null>(null);
  const { answer } = turn;
  const isRunning = turn.state === 'searching' || turn.state === 'answering';
  return (
    <article class="turn" aria-busy={isRunning}>
      <h2>{turn.question}</h2>
      {turn.state === 'searching' && <p class="muted working">Searching {turn.collection}</p>}
      {turn.state === 'answering' && (
        <p class="muted working">{plural(turn.passages, 'passage')} found, answering</p>
      )}
      {turn.state === 'stopped' && <p class="muted">Stopped.</p>}
      {isRunning && !turn.sentences.length && (
        <Waiting lines={2} label="The answer is on its way" />
      )}
      {turn.sentences.length > 0 && (
        <p class="answer" data-testid="answer">
          {turn.sentences.map((sentence, i) => (
            <SentenceView
              key={i}
              sentence={sentence}
              citations={turn.citations}
              onCitation={onCitation}
            />
          ))}
        </p>
      )}
      {answer?.refused && (
        <div class="refusal" data-testid="refusal">
          <p>{answer.answer}</p>
          {answer.reason && <p class="muted">{reasons[answer.reason] ?? answer.reason}</p>}
        </div>
      )}
      <ProblemBox problem={turn.problem} />
      <Sources
        citations={turn.citations}
        states={replay?.citations ?? []}
        onCitation={onCitation}
      />
      {answer && (
        <>
          <Nearest items={answer.nearest ?? []} onPassage={onPassage} />
          <Dropped answer={answer} />
          <Receipt answer={answer} onReplay={setReplay} />
        </>
      )}
    </article>
  );
}
