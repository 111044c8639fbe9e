// Two runs side by side: what they took, and where inputs, outputs and metadata differ.
import { useMemo } from 'preact/hooks';
import { count, milliseconds, money } from '../format';
import { useLoaded, useTitle } from '../hooks';
import { observe, type Run } from '../observe';
import { Empty, Page, ProblemBox, Waiting } from '../parts/common';
import { diff } from '../parts/diff';
import { KindMark, StatusMark, usePageQuery } from '../parts/marks';
import { messagesOf, plainText, textOf } from '../parts/messages';
import { Link } from '../router';

/** "TRACE/RUN", or the run alone. */
function useRun(place: string) {
  const cut = place.lastIndexOf('/');
  const trace = cut < 0 ? '' : place.slice(0, cut);
  return useLoaded(
    (signal) => (place ? observe.run(place.slice(cut + 1), trace, signal) : Promise.resolve(null)),
    place,
  );
}

/** Conversations as their words, other values as JSON with its names in order. */
function readable(value: unknown): string {
  if (value === null || value === undefined) return '';
  const messages = messagesOf(value);
  if (messages?.every((message) => message.parts.every((part) => part.kind === 'text')))
    return messages.map((message) => `${message.role}: ${plainText(message)}`).join('\n\n');
  return textOf(sorted(value, 0));
}

function sorted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > 40) return value;
  if (Array.isArray(value)) return value.map((item) => sorted(item, depth + 1));
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, depth + 1)]));
}

/** `isShort`: what is the same is not shown. */
function Difference({
  title,
  a,
  b,
  isShort = false,
}: {
  title: string;
  a: unknown;
  b: unknown;
  isShort?: boolean;
}) {
  const pieces = useMemo(() => diff(readable(a), readable(b)), [a, b]);
  const isSame = pieces.every((piece) => piece.kind === 'same');
  const side = (kind: 'gone' | 'new', name: string) => (
    <div class="diff-side" role="group" aria-label={`${title} of ${name}`}>
      {pieces
        .filter((piece) => piece.kind === 'same' || piece.kind === kind)
        .map((piece, i) =>
          piece.kind === 'same' ? (
            piece.text
          ) : kind === 'gone' ? (
            <del key={i}>{piece.text}</del>
          ) : (
            <ins key={i}>{piece.text}</ins>
          ),
        )}
      {pieces.length === 0 && <span class="muted">None</span>}
    </div>
  );
  return (
    <section aria-label={title} data-testid={`diff-${title.toLowerCase()}`} data-same={isSame}>
      <h2>
        {title} {isSame && <span class="state">the same</span>}
      </h2>
      {!(isShort && isSame) && (
        <div class="diff-sides">
          {side('gone', 'A')}
          {side('new', 'B')}
        </div>
      )}
    </section>
  );
}

function Change({
  name,
  a,
  b,
  show,
}: {
  name: string;
  a: number | null;
  b: number | null;
  show: (value: number) => string;
}) {
  if (a === null && b === null) return null;
  const text = (value: number | null) => (value === null ? '–' : show(value));
  const share = a && b !== null ? (b - a) / a : null;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{text(a)}</td>
      <td class="number">{text(b)}</td>
      <td class="number">
        {share === null
          ? ''
          : `${share > 0 ? '+' : share < 0 ? '−' : '±'}${Math.abs(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`}
      </td>
    </tr>
  );
}

function RunHead({ name, run }: { name: string; run: Run }) {
  return (
    <div class="card diff-head">
      <strong>{name}</strong>
      <KindMark kind={run.kind} />
      <Link href={`/traces/${encodeURIComponent(run.trace_id)}?run=${encodeURIComponent(run.id)}`}>
        {run.name}
      </Link>
      <StatusMark status={run.status} />
      <span class="muted">{run.model}</span>
    </div>
  );
}

function Both({ a, b }: { a: Run; b: Run }) {
  return (
    <>
      <div class="diff-sides">
        <RunHead name="A" run={a} />
        <RunHead name="B" run={b} />
      </div>
      <div class="table">
        <table class="diff-numbers">
          <caption class="hidden">What they took</caption>
          <thead>
            <tr>
              <td />
              <th scope="col" class="number">
                A
              </th>
              <th scope="col" class="number">
                B
              </th>
              <th scope="col" class="number">
                B beside A
              </th>
            </tr>
          </thead>
          <tbody>
            <Change name="Latency" a={a.latency_ms} b={b.latency_ms} show={milliseconds} />
            <Change
              name="First token"
              a={a.first_token_ms}
              b={b.first_token_ms}
              show={milliseconds}
            />
            <Change
              name="Input tokens"
              a={a.usage?.input_tokens ?? null}
              b={b.usage?.input_tokens ?? null}
              show={count}
            />
            <Change
              name="Output tokens"
              a={a.usage?.output_tokens ?? null}
              b={b.usage?.output_tokens ?? null}
              show={count}
            />
            <Change
              name="Cost"
              a={a.cost?.total_usd ?? null}
              b={b.cost?.total_usd ?? null}
              show={money}
            />
          </tbody>
        </table>
      </div>
      <Difference title="Inputs" a={a.inputs} b={b.inputs} />
      <Difference title="Outputs" a={a.outputs} b={b.outputs} />
      {(a.error || b.error) && <Difference title="Error" a={a.error} b={b.error} />}
      <Difference isShort title="Metadata" a={a.metadata} b={b.metadata} />
      <Difference
        isShort
        title="Attributes"
        a={withoutPayload(a.attributes)}
        b={withoutPayload(b.attributes)}
      />
    </>
  );
}

/** Attributes that hold inputs and outputs are seen above. */
function withoutPayload(attributes: Record<string, unknown>): Record<string, unknown> {
  const isPayload = /(^|\.)(input|output)(_?messages|\.value)|^(input|output)\.|prompt|completion/;
  return Object.fromEntries(
    Object.entries(attributes).filter(
      ([key, value]) => !isPayload.test(key) || typeof value === 'number',
    ),
  );
}

export function TraceDiffPage() {
  useTitle('Two runs');
  const page = usePageQuery();
  const [placeA, placeB] = [page.get('a'), page.get('b')];
  const a = useRun(placeA);
  const b = useRun(placeB);
  return (
    <Page
      title="Two runs side by side"
      isWide
      lead={<Link href="/traces">All traces</Link>}
      actions={
        <button
          type="button"
          class="quiet small"
          onClick={() => page.set({ a: placeB, b: placeA })}
        >
          Swap
        </button>
      }
    >
      <ProblemBox problem={a.problem} retry={a.reload} />
      <ProblemBox problem={b.problem} retry={b.reload} />
      {(!placeA || !placeB) && (
        <Empty icon="traces" title="Two runs are needed">
          Open a run and press Compare; open another one and press With the marked run.
        </Empty>
      )}
      {((placeA && !a.value && !a.problem) || (placeB && !b.value && !b.problem)) && (
        <Waiting lines={8} />
      )}
      {a.value && b.value && <Both a={a.value} b={b.value} />}
    </Page>
  );
}
