// A document at a place: its text with the span marked, or its page with the boxes drawn.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, type Box, type PageLayout, type Place } from '../api';
import { plural, placeName } from '../format';
import { useLoaded } from '../hooks';
import { Dialog, ProblemBox, Tabs, Waiting } from './common';
import { Icon } from './icons';

export interface Target {
  collection: string;
  document_id: string;
  name: string;
  path: string;
  place: Place | null;
  quote?: string; // What should stand there.
}

const around = 6_000; // Bytes shown before and after the span at first,
const step = 60_000; // and with each wish for more.

/** Moves an offset to the start of the character that it is in. */
function toCharacter(bytes: Uint8Array, at: number): number {
  at = Math.max(0, Math.min(at, bytes.length));
  while (at > 0 && at < bytes.length && (bytes[at]! & 0xc0) === 0x80) at--;
  return at;
}

const decode = (bytes: Uint8Array, from: number, to: number) =>
  new TextDecoder().decode(bytes.subarray(from, to));

function TextView({ bytes, target }: { bytes: Uint8Array; target: Target }) {
  const start = toCharacter(bytes, target.place?.text_start ?? 0);
  const end = toCharacter(bytes, target.place?.text_end ?? 0);
  const [before, setBefore] = useState(around);
  const [after, setAfter] = useState(around);
  const from = toCharacter(bytes, start - before);
  const to = toCharacter(bytes, end + after);
  const mark = useRef<HTMLElement>(null);
  useEffect(() => mark.current?.scrollIntoView({ block: 'center' }), [bytes]);
  const marked = decode(bytes, start, end);
  const isOther = target.quote !== undefined && marked !== target.quote;
  return (
    <>
      {isOther && (
        <p class="note bad">
          This document has changed since: what is marked is what stands there now, not what was
          quoted.
        </p>
      )}
      {from > 0 && (
        <button type="button" class="quiet small" onClick={() => setBefore(before + step)}>
          Show more before this ({plural(from, 'byte')} hidden)
        </button>
      )}
      <div class="text" role="document" aria-label={`Text of ${target.name}`} tabIndex={0}>
        {decode(bytes, from, start)}
        {end > start && (
          <mark class="quote" ref={mark} data-testid="highlight">
            {marked}
          </mark>
        )}
        {decode(bytes, end, to)}
      </div>
      {to < bytes.length && (
        <button type="button" class="quiet small" onClick={() => setAfter(after + step)}>
          Show more after this ({plural(bytes.length - to, 'byte')} hidden)
        </button>
      )}
    </>
  );
}

const round = (value: number) => Math.round(value * 10) / 10;

function Line({ text, box }: { text: string; box: Box }) {
  const [x0, y0, x1, y1] = box;
  const size = Math.max(2, (y1 - y0) * 0.8);
  return (
    <text
      x={round(x0)}
      y={round(y1 - (y1 - y0) * 0.22)}
      font-size={round(size)}
      textLength={round(Math.max(1, x1 - x0))}
      lengthAdjust="spacingAndGlyphs"
    >
      {text}
    </text>
  );
}

// Of paper and slides, in points.
const sheets = [
  [612, 792],
  [595, 842],
  [792, 612],
  [842, 595],
  [960, 540],
  [720, 540],
  [842, 1191],
] as const;

/** The smallest usual sheet that holds the lines: the size of the file's own is not stored. */
function sheetFor(width: number, height: number): readonly [number, number] {
  const fits = sheets.filter(([w, h]) => w >= width && h >= height);
  return fits.sort((a, b) => a[0] * a[1] - b[0] * b[1])[0] ?? [width + 36, height + 36];
}

/** The page from the positions that are stored with its text; the file itself need not be there any more. */
function DrawnPage({ view, boxes }: { view: PageLayout; boxes: Box[] }) {
  const [width, height] = sheetFor(view.width, view.height);
  const first = useRef<SVGRectElement>(null);
  useEffect(() => first.current?.scrollIntoView({ block: 'center' }), [view]);
  return (
    <svg
      class="paper"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`Page ${view.page}: ${view.lines.map((line) => line.text).join(' ')}`}
    >
      <rect class="sheet" width={width} height={height} />
      {boxes.map(([x0, y0, x1, y1], i) => (
        <rect
          key={i}
          ref={i ? undefined : first}
          class="hit"
          data-testid="box"
          x={round(x0 - 2)}
          y={round(y0 - 1)}
          width={round(x1 - x0 + 4)}
          height={round(y1 - y0 + 2)}
          rx="2"
        />
      ))}
      {view.lines.map((line, i) => (
        <Line key={i} text={line.text.trim()} box={line.box} />
      ))}
    </svg>
  );
}

function PagedView({ target }: { target: Target }) {
  const [page, setPage] = useState(target.place?.page ?? 1);
  const { value, problem } = useLoaded(
    (signal) => api.documentPage(target.collection, target.document_id, page, signal),
    `${target.document_id}/${page}`,
  );
  const span = target.place;
  const boxes = useMemo(() => {
    if (!value || !span) return [];
    if (page === span.page && span.boxes?.length && !span.page_end) return span.boxes;
    return value.lines
      .filter((line) => line.text_start < span.text_end && line.text_end > span.text_start)
      .map((line) => line.box);
  }, [value]);
  return (
    <>
      <ProblemBox problem={problem} />
      {value ? <DrawnPage view={value} boxes={boxes} /> : !problem && <div class="paper blank" />}
      {value && value.pages > 1 && (
        <div class="row between">
          <button
            type="button"
            class="quiet small"
            disabled={page <= 1}
            onClick={() => setPage(page - 1)}
          >
            Previous page
          </button>
          <span class="muted">
            Page {value.page} of {value.pages}
          </span>
          <button
            type="button"
            class="quiet small"
            disabled={page >= value.pages}
            onClick={() => setPage(page + 1)}
          >
            Next page
          </button>
        </div>
      )}
      <p class="note">
        Drawn from the positions that are stored with the text: words and boxes are where the file
        has them, fonts and pictures are left out.
      </p>
    </>
  );
}

export function DocumentDrawer({ target, onClose }: { target: Target; onClose: () => void }) {
  const isPaged =
    target.place?.page !== null && target.place?.page !== undefined && !!target.place.boxes?.length;
  const [view, setView] = useState<'text' | 'page'>(isPaged ? 'page' : 'text');
  const text = useLoaded(
    (signal) => api.documentText(target.collection, target.document_id, signal),
    target.document_id,
  );
  const place = target.place ? placeName(target.place) : '';
  return (
    <Dialog kind="drawer" title={target.name} onClose={onClose}>
      <div class="row between">
        <p class="where">
          <span class="path">{target.path}</span>
          {place && <span> · {place}</span>}
        </p>
        <a
          class="button quiet small"
          href={api.originalPath(target.collection, target.document_id)}
          download
        >
          <Icon name="download" /> Original
        </a>
      </div>
      {isPaged && (
        <Tabs
          label="View"
          value={view}
          options={[
            ['page', 'Page'],
            ['text', 'Text'],
          ]}
          onChange={setView}
        />
      )}
      {view === 'page' && <PagedView target={target} />}
      {view === 'text' && (
        <>
          <ProblemBox problem={text.problem} retry={text.reload} />
          {text.value ? (
            <TextView bytes={text.value} target={target} />
          ) : (
            !text.problem && <Waiting lines={8} />
          )}
        </>
      )}
    </Dialog>
  );
}
