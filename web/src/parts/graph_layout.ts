// Places the nodes of a graph in layers from the top and leads its edges around them (Sugiyama's way: break
// cycles, layers by longest path, fewest crossings by medians, then straight lines where there is room).

export interface Box {
  name: string;
  width: number;
  height: number;
}

export interface Arc {
  from: string;
  to: string;
  space?: number; // As wide as what is written on it.
}

export interface Point {
  x: number;
  y: number;
}

export interface Placed {
  width: number;
  height: number;
  /** The middle of each box. */
  places: Map<string, Point>;
  /** Of each arc, in order: the points that it goes through, from border to border. */
  ways: Point[][];
}

const gapX = 28;
const gapY = 52;
const bendWidth = 12;
const rounds = 12;

interface Cell {
  id: number;
  width: number;
  height: number;
  layer: number;
  x: number;
  ups: number[];
  downs: number[];
}

/** Which arcs lead back: those that a search from the first box meets on its own path. */
function backArcs(boxes: Box[], arcs: Arc[]): Set<number> {
  const out = new Map<string, number[]>();
  arcs.forEach((arc, i) => out.set(arc.from, [...(out.get(arc.from) ?? []), i]));
  const state = new Map<string, 'open' | 'done'>();
  const back = new Set<number>();
  for (const { name } of boxes) {
    if (state.has(name)) continue;
    const path = [{ name, next: 0 }];
    state.set(name, 'open');
    while (path.length) {
      const top = path.at(-1)!;
      const arc = out.get(top.name)?.[top.next++];
      if (arc === undefined) {
        state.set(top.name, 'done');
        path.pop();
        continue;
      }
      const to = arcs[arc]!.to;
      if (state.get(to) === 'open') back.add(arc);
      else if (!state.has(to)) {
        state.set(to, 'open');
        path.push({ name: to, next: 0 });
      }
    }
  }
  return back;
}

/** The layer of each box: one below the lowest of those before it. */
function layersOf(boxes: Box[], arcs: [number, number][]): number[] {
  const layers = boxes.map(() => 0);
  const waits = boxes.map(() => 0);
  for (const [, to] of arcs) waits[to]!++;
  const ready = boxes.map((_, i) => i).filter((i) => !waits[i]);
  for (let i = 0; i < ready.length; i++)
    for (const [from, to] of arcs) {
      if (from !== ready[i]) continue;
      layers[to] = Math.max(layers[to]!, layers[from]! + 1);
      if (!--waits[to]!) ready.push(to);
    }
  return layers;
}

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

function crossings(rows: number[][], cells: Cell[]): number {
  let sum = 0;
  for (let i = 1; i < rows.length; i++) {
    const place = new Map(rows[i]!.map((id, at) => [id, at]));
    const ends = rows[i - 1]!.flatMap((id) =>
      cells[id]!.downs.map((to) => place.get(to)!).sort((a, b) => a - b),
    );
    for (let a = 0; a < ends.length; a++)
      for (let b = a + 1; b < ends.length; b++) if (ends[a]! > ends[b]!) sum++;
  }
  return sum;
}

/** Orders each row by the medians of what it is tied to, down and up again; the best order stays. */
function order(rows: number[][], cells: Cell[]): number[][] {
  let best = rows.map((row) => [...row]);
  let fewest = crossings(best, cells);
  const current = rows.map((row) => [...row]);
  for (let round = 0; round < rounds && fewest > 0; round++) {
    const isDown = round % 2 === 0;
    const indices = current.map((_, i) => (isDown ? i : current.length - 1 - i)).slice(1);
    for (const i of indices) {
      const beside = current[isDown ? i - 1 : i + 1]!;
      const place = new Map(beside.map((id, at) => [id, at]));
      const wish = new Map(
        current[i]!.map((id, at) => {
          const ties = (isDown ? cells[id]!.ups : cells[id]!.downs).map((other) => place.get(other)!);
          return [id, ties.length ? median(ties) : at];
        }),
      );
      current[i]!.sort((a, b) => wish.get(a)! - wish.get(b)!);
    }
    const now = crossings(current, cells);
    if (now < fewest) {
      fewest = now;
      best = current.map((row) => [...row]);
    }
  }
  return best;
}

/** Moves cells towards what they are tied to, as far as their neighbours let them. */
function straighten(rows: number[][], cells: Cell[]): void {
  for (const row of rows) {
    let x = 0;
    for (const id of row) {
      const cell = cells[id]!;
      cell.x = x + cell.width / 2;
      x += cell.width + gapX;
    }
    for (const id of row) cells[id]!.x -= (x - gapX) / 2;
  }
  const distance = (a: Cell, b: Cell) => (a.width + b.width) / 2 + gapX;
  for (let round = 0; round < 2 * rounds; round++) {
    const isDown = round % 2 === 0;
    for (const row of isDown ? rows : [...rows].reverse()) {
      const wishes = row.map((id) => {
        const cell = cells[id]!;
        const ties = isDown ? cell.ups : cell.downs;
        return ties.length ? median(ties.map((other) => cells[other]!.x)) : cell.x;
      });
      // Both ways around, then the mean of them: neither side is preferred.
      const left: number[] = [];
      const right: number[] = [];
      row.forEach((id, i) => {
        const before = i ? left[i - 1]! + distance(cells[row[i - 1]!]!, cells[id]!) : -Infinity;
        left[i] = Math.max(wishes[i]!, before);
      });
      for (let i = row.length - 1; i >= 0; i--) {
        const cell = cells[row[i]!]!;
        const after =
          i + 1 < row.length ? right[i + 1]! - distance(cell, cells[row[i + 1]!]!) : Infinity;
        right[i] = Math.min(wishes[i]!, after);
      }
      row.forEach((id, i) => (cells[id]!.x = (left[i]! + right[i]!) / 2));
    }
  }
}

interface Chain {
  arc: number;
  cells: number[]; // From the upper box to the lower one.
  isBack: boolean;
}

/** Long arcs get a cell in each row that they cross. */
function chainsOf(
  cells: Cell[],
  arcs: [number, number][],
  spaces: number[],
  back: Set<number>,
): Chain[] {
  return arcs.map(([from, to], arc) => {
    const isBack = back.has(arc);
    const [upper, lower] = isBack ? [to, from] : [from, to];
    const chain = [upper];
    for (let layer = cells[upper]!.layer + 1; layer < cells[lower]!.layer; layer++) {
      cells.push({
        id: cells.length,
        width: chain.length === 1 ? Math.max(bendWidth, spaces[arc]!) : bendWidth,
        height: 0,
        layer,
        x: 0,
        ups: [],
        downs: [],
      });
      chain.push(cells.length - 1);
    }
    chain.push(lower);
    if (upper !== lower)
      for (let i = 1; i < chain.length; i++) {
        cells[chain[i - 1]!]!.downs.push(chain[i]!);
        cells[chain[i]!]!.ups.push(chain[i - 1]!);
      }
    return { arc, cells: chain, isBack };
  });
}

function waysOf(chains: Chain[], cells: Cell[], tops: number[], tall: number[]): Point[][] {
  const middle = (cell: Cell) => tops[cell.layer]! + tall[cell.layer]! / 2;
  return chains.map(({ cells: chain, isBack }) => {
    const first = cells[chain[0]!]!;
    const last = cells[chain.at(-1)!]!;
    if (first === last) {
      const [x, y] = [first.x + first.width / 2, middle(first)];
      return [
        { x, y: y - 8 },
        { x: x + 22, y: y - 14 },
        { x: x + 22, y: y + 14 },
        { x, y: y + 8 },
      ];
    }
    const side = isBack ? first.width / 4 : 0; // Arcs that lead back stand beside those that lead on.
    const points: Point[] = [{ x: first.x + side, y: middle(first) + first.height / 2 }];
    for (const id of chain.slice(1, -1)) {
      const cell = cells[id]!;
      points.push({ x: cell.x, y: tops[cell.layer]! });
      points.push({ x: cell.x, y: tops[cell.layer]! + tall[cell.layer]! });
    }
    points.push({
      x: last.x + (isBack ? last.width / 4 : 0),
      y: middle(last) - last.height / 2,
    });
    return isBack ? points.reverse() : points;
  });
}

/** `boxes`: the first stands at the top. Arcs between boxes that are not there are no way at all. */
export function layOut(boxes: Box[], arcs: Arc[]): Placed {
  const index = new Map(boxes.map((box, i) => [box.name, i]));
  const known = arcs.map((arc) => index.has(arc.from) && index.has(arc.to));
  const kept = arcs.filter((_, i) => known[i]);
  const pairs = kept.map((arc): [number, number] => [index.get(arc.from)!, index.get(arc.to)!]);
  const back = backArcs(boxes, kept);
  const layers = layersOf(
    boxes,
    pairs.filter((_, i) => !back.has(i)),
  );
  const cells: Cell[] = boxes.map((box, id) => ({
    id,
    width: box.width,
    height: box.height,
    layer: layers[id]!,
    x: 0,
    ups: [],
    downs: [],
  }));
  const spaces = kept.map((arc) => arc.space ?? 0);
  const chains = chainsOf(cells, pairs, spaces, back);
  const depth = Math.max(0, ...cells.map((cell) => cell.layer)) + 1;
  let rows: number[][] = Array.from({ length: depth }, () => []);
  for (const cell of cells) rows[cell.layer]!.push(cell.id);
  rows = order(rows, cells);
  straighten(rows, cells);
  const tall = rows.map((row) => Math.max(0, ...row.map((id) => cells[id]!.height)));
  const tops: number[] = [];
  tall.reduce((y, height, i) => {
    tops[i] = y;
    return y + height + gapY;
  }, 0);
  const found = waysOf(chains, cells, tops, tall);
  const xs = [
    ...cells.flatMap((cell) => [cell.x - cell.width / 2, cell.x + cell.width / 2]),
    ...found.flat().map((point) => point.x),
  ];
  const left = Math.min(...xs);
  for (const cell of cells) cell.x -= left;
  for (const point of found.flat()) point.x -= left;
  let next = 0;
  return {
    width: Math.max(...xs) - left,
    height: tops.at(-1)! + tall.at(-1)!,
    places: new Map(
      boxes.map((box, i) => [
        box.name,
        { x: cells[i]!.x, y: tops[cells[i]!.layer]! + tall[cells[i]!.layer]! / 2 },
      ]),
    ),
    ways: known.map((isKnown) => (isKnown ? found[next++]! : [])),
  };
}
