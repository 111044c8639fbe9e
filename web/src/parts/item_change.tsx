// One case of two evaluations: both answers, both scores, both traces, side by side.
import { useState } from 'preact/hooks';
import { milliseconds, money } from '../format';
import type { ItemChange, SideOfItem } from '../evaluation';
import { Link } from '../router';
import { diff } from './diff';
import { Icon } from './icons';
import { LongText } from './json_view';
import { Pieces } from './pieces';
import { ScoreView } from './score_view';
import { TraceSide } from './trace_side';

const facts = (side: SideOfItem): string =>
  [
    side.latency_ms !== null ? milliseconds(side.latency_ms) : '',
    side.cost_usd !== null ? money(side.cost_usd) : '',
  ]
    .filter(Boolean)
    .join(' · ');

function Answers({ item, names }: { item: ItemChange; names: [string, string] }) {
  const a = item.baseline?.answer ?? '';
  const b = item.candidate?.answer ?? '';
  const pieces = diff(a, b);
  const isSame = pieces.every((piece) => piece.kind === 'same');
  const sides = [item.baseline, item.candidate] as const;
  return (
    <section aria-label="Answers">
      <h3>Answers {isSame && <span class="state">the same</span>}</h3>
      <div class="diff-sides">
        {sides.map((side, i) => (
          <div key={i} class="stack tight" role="group" aria-label={`Answer of ${names[i]}`}>
            <p class="muted">
              <strong>{names[i]}</strong> {side && facts(side)}
            </p>
            {side?.error && <p class="bad">{side.error}</p>}
            <div class="diff-side" data-testid={i === 0 ? 'answer-baseline' : 'answer-candidate'}>
              <Pieces
                pieces={pieces.filter(({ kind }) => kind === 'same' || kind === (i ? 'new' : 'gone'))}
              />
              {!side && <span class="muted">It is not in this one.</span>}
              {side && !side.answer && !side.error && <span class="muted">Nothing.</span>}
            </div>
          </div>
        ))}
      </div>
    </section>
  );
}

function Traces({ item, names }: { item: ItemChange; names: [string, string] }) {
  const [isOpen, setOpen] = useState(false);
  const a = item.baseline;
  const b = item.candidate;
  if (!a?.trace_id && !b?.trace_id) return null;
  const place = (side: SideOfItem | null) =>
    side?.trace_id && side.run_id ? `${side.trace_id}/${side.run_id}` : '';
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Traces</summary>
      {isOpen && (
        <div class="stack tight">
          <div class="diff-sides">
            {[a, b].map((side, i) =>
              side?.trace_id ? (
                <TraceSide key={i} trace={side.trace_id} name={names[i]!} />
              ) : (
                <p key={i} class="muted">
                  No trace.
                </p>
              ),
            )}
          </div>
          {place(a) && place(b) && (
            <p>
              <Link
                href={`/traces/diff?a=${encodeURIComponent(place(a))}&b=${encodeURIComponent(place(b))}`}
              >
                Both runs in full, with their differences
              </Link>
            </p>
          )}
        </div>
      )}
    </details>
  );
}

export function ItemChangeView({
  item,
  names,
  onClose,
}: {
  item: ItemChange;
  names: [string, string];
  onClose: () => void;
}) {
  const metrics = [
    ...new Set([
      ...Object.keys(item.baseline?.scores ?? {}),
      ...Object.keys(item.candidate?.scores ?? {}),
    ]),
  ];
  return (
    <aside class="trace-detail run-detail" aria-label="Case" data-testid="change-detail">
      <div class="row between">
        <h2>
          Case <code>{item.id.slice(0, 16)}</code>
        </h2>
        <button type="button" class="bare" aria-label="Close the case" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <section class="payload" aria-label="Input">
        <h3>Input</h3>
        <LongText text={item.input} />
      </section>
      {item.expected_output !== null && (
        <section class="payload" aria-label="What was expected">
          <h3>What was expected</h3>
          <LongText text={item.expected_output} />
        </section>
      )}
      <Answers item={item} names={names} />
      {metrics.map((name) => (
        <div key={name} class="diff-sides">
          {[item.baseline, item.candidate].map((side, i) =>
            side?.scores[name] ? (
              <ScoreView key={i} name={name} score={side.scores[name]} />
            ) : (
              <p key={i} class="muted">
                {name}: no score
              </p>
            ),
          )}
        </div>
      ))}
      <Traces item={item} names={names} />
    </aside>
  );
}
