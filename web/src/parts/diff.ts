// What is different between two texts: the shortest way from one to the other, by lines and then by words.

export interface Piece {
  kind: 'same' | 'gone' | 'new';
  text: string;
}

const stepsMax = 2000; // Of the shortest way; what is further apart is taken as wholly different.

/** Myers' algorithm; null when the two are too far apart. */
function shortestWay(a: string[], b: string[]): Piece[] | null {
  const limit = Math.min(a.length + b.length, stepsMax);
  const offset = limit + 1;
  const furthest = new Int32Array(2 * limit + 3);
  const trail: Int32Array[] = [];
  for (let step = 0; step <= limit; step++) {
    trail.push(furthest.slice(offset - step - 1, offset + step + 2));
    for (let k = -step; k <= step; k += 2) {
      const isDown =
        k === -step || (k !== step && furthest[offset + k - 1]! < furthest[offset + k + 1]!);
      let x = isDown ? furthest[offset + k + 1]! : furthest[offset + k - 1]! + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trail);
    }
  }
  return null;
}

function walkBack(a: string[], b: string[], trail: Int32Array[]): Piece[] {
  const pieces: Piece[] = [];
  let x = a.length;
  let y = b.length;
  for (let step = trail.length - 1; step >= 0; step--) {
    const before = trail[step]!; // Diagonals -step-1 to step+1.
    const at = (k: number) => before[k + step + 1]!;
    const k = x - y;
    const from = k === -step || (k !== step && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const fromX = step === 0 ? 0 : at(from);
    const fromY = step === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) {
      pieces.push({ kind: 'same', text: a[--x]! });
      y--;
    }
    if (step === 0) break;
    if (x > fromX) pieces.push({ kind: 'gone', text: a[--x]! });
    else if (y > fromY) pieces.push({ kind: 'new', text: b[--y]! });
  }
  return pieces.reverse();
}

/** Neighbours of a kind as one; what is gone stands before what is new. */
function joined(pieces: Piece[]): Piece[] {
  const out: Piece[] = [];
  let gone = '';
  let fresh = '';
  const flush = () => {
    if (gone) out.push({ kind: 'gone', text: gone });
    if (fresh) out.push({ kind: 'new', text: fresh });
    gone = fresh = '';
  };
  for (const { kind, text } of pieces) {
    if (kind === 'gone') gone += text;
    else if (kind === 'new') fresh += text;
    else {
      flush();
      const last = out.at(-1);
      if (last?.kind === 'same') last.text += text;
      else out.push({ kind, text });
    }
  }
  flush();
  return out;
}

const lines = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
const words = (text: string): string[] => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

/** A space that stayed between two changed words is part of the change: it reads as one. */
function withSpaces(pieces: Piece[]): Piece[] {
  const isChange = (piece: Piece | undefined) => piece !== undefined && piece.kind !== 'same';
  return pieces.flatMap((piece, i): Piece[] =>
    piece.kind === 'same' &&
    /^[ \t]+$/.test(piece.text) &&
    isChange(pieces[i - 1]) &&
    isChange(pieces[i + 1])
      ? [
          { kind: 'gone', text: piece.text },
          { kind: 'new', text: piece.text },
        ]
      : [piece],
  );
}

function differences(a: string, b: string, cut: (text: string) => string[]): Piece[] {
  const way = shortestWay(cut(a), cut(b));
  const whole: Piece[] = [
    { kind: 'gone', text: a },
    { kind: 'new', text: b },
  ];
  return joined((way ?? whole).filter((piece) => piece.text));
}

export function diff(a: string, b: string): Piece[] {
  const byLine = differences(a, b, lines);
  const out: Piece[] = [];
  for (let i = 0; i < byLine.length; i++) {
    const piece = byLine[i]!;
    const next = byLine[i + 1];
    if (piece.kind === 'gone' && next?.kind === 'new') {
      out.push(...withSpaces(differences(piece.text, next.text, words)));
      i++;
    } else out.push(piece);
  }
  return joined(out);
}
