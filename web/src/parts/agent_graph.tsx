// The graph of an agent, drawn; while a run goes on, with what each node is doing.
import { useMemo } from 'preact/hooks';
import type { DrawnEdge, DrawnNode, Drawing } from '../agents';
import { type Box, layOut, type Point } from './graph_layout';

export type NodeState = 'running' | 'done' | 'failed' | 'waiting' | 'next';

export interface NodeMark {
  state: NodeState;
  runs: number; // How often it was started.
}

const edgeHeight = 26;
const nodeHeight = 52;
const letters = (text: string, size: number) => [...text].length * size;
const cut = (text: string, most: number): string => {
  const one = text.replace(/\s+/g, ' ').trim();
  return [...one].length > most ? `${[...one].slice(0, most - 1).join('')}…` : one;
};

const aboutMost = 26;
const nameMost = 22;
const labelMost = 24;

function boxOf(node: DrawnNode): Box {
  const wide = Math.max(
    letters(cut(node.name, nameMost), 8.4) + 24,
    letters(`${node.kind} ${cut(node.about, aboutMost)}`, 6.6) + 8,
  );
  return { name: node.name, width: Math.min(Math.max(112, wide + 28), 260), height: nodeHeight };
}

/** A line that bends softly between its points. */
function pathOf(points: Point[]): string {
  if (points.length < 2) return '';
  let text = `M${points[0]!.x.toFixed(1)} ${points[0]!.y.toFixed(1)}`;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    const half = (a.y + b.y) / 2;
    text +=
      Math.abs(a.x - b.x) < 0.5
        ? `V${b.y.toFixed(1)}`
        : `C${a.x.toFixed(1)} ${half.toFixed(1)} ${b.x.toFixed(1)} ${half.toFixed(1)} ${b.x.toFixed(1)} ${b.y.toFixed(1)}`;
  }
  return text;
}

/** An edge to itself is a loop at the side of its node. */
const loopOf = ([a, b, c, d]: Point[]) =>
  `M${a!.x} ${a!.y}C${b!.x} ${b!.y} ${c!.x} ${c!.y} ${d!.x} ${d!.y}`;

const stateWords: Record<NodeState, string> = {
  running: 'running',
  done: 'done',
  failed: 'failed',
  waiting: 'waits for an answer',
  next: 'next',
};

/** What readers hear: nodes in their order, and where each leads. */
function words(drawing: Drawing): string {
  const ways = (name: string) =>
    drawing.edges
      .filter((edge) => edge.from === name)
      .map((edge) => `${edge.to}${edge.label ? ` (${edge.label})` : ''}`)
      .join(', ');
  return ['START', ...drawing.nodes.map((node) => node.name)]
    .map((name) => `${name} leads to ${ways(name) || 'nothing'}`)
    .join('. ');
}

function NodeBox({
  node,
  at,
  width,
  mark,
  isChosen,
  onChoose,
}: {
  node: DrawnNode;
  at: Point;
  width: number;
  mark: NodeMark | undefined;
  isChosen: boolean;
  onChoose: (() => void) | undefined;
}) {
  const isRepeated = mark !== undefined && mark.runs > 1;
  // What only colours say to those who see.
  const said = [mark && stateWords[mark.state], node.asks && 'it may wait for a person']
    .filter(Boolean)
    .join(', ');
  const [x, y] = [at.x - width / 2, at.y - nodeHeight / 2];
  return (
    <g
      class={`graph-node kind-${node.kind} ${mark ? `is-${mark.state}` : ''} ${isChosen ? 'is-chosen' : ''}`}
      data-testid="graph-node"
      data-node={node.name}
      data-state={mark?.state}
      role={onChoose ? 'button' : undefined}
      aria-description={onChoose && said ? said : undefined}
      aria-pressed={onChoose ? isChosen : undefined}
      tabindex={onChoose ? 0 : undefined}
      onClick={onChoose}
      onKeyDown={(event) => {
        if (!onChoose || (event.key !== 'Enter' && event.key !== ' ')) return;
        event.preventDefault();
        onChoose();
      }}
    >
      <rect x={x} y={y} width={width} height={nodeHeight} rx={node.kind === 'human' ? 26 : 9} />
      <rect class="graph-stripe" x={x} y={y + 10} width={4} height={nodeHeight - 20} rx={2} />
      <text x={x + 16} y={at.y - 5} class="graph-name">
        {cut(node.name, nameMost)}
      </text>
      <text x={x + 16} y={at.y + 13} class="graph-about">
        {node.kind} {cut(node.about, aboutMost)}
      </text>
      {node.asks && (
<circle class="graph-asks" cx={x + width - 14} cy={y + 14} r={4} />
      )}
      {isRepeated && (
        <text class="graph-runs" x={x + width - 10} y={at.y + 18} text-anchor="end">
          {mark.runs}×
        </text>
      )}
    </g>
  );
}

const dashes: Partial<Record<DrawnEdge['kind'], string>> = { on: '3 4', empty: '3 4', else: '7 4' };

interface Label {
  text: string;
  whole: string;
  at: Point;
  anchor: 'start' | 'middle' | 'end';
}

/** Where the words of an edge stand: at its upper bend, where room was kept for them. */
function labelPlace(way: Point[]): Point {
  const points = way[0]!.y > way.at(-1)!.y ? [...way].reverse() : way;
  const i = points.length > 2 ? 1 : 0;
  const [a, b] = i ? [points[1]!, points[2] ?? points[1]!] : [points[0]!, points[1]!];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

/** Beside its edge where another one goes the same way back, else upon it. */
function labelsOf(drawing: Drawing, ways: Point[][]): (Label | null)[] {
  return drawing.edges.map((edge, i) => {
    const way = ways[i]!;
    if (!edge.label || way.length < 2) return null;
    const at = labelPlace(way);
    const back = drawing.edges.findIndex((one) => one.from === edge.to && one.to === edge.from);
    const other = back >= 0 && back !== i && ways[back]!.length > 1 ? labelPlace(ways[back]!) : null;
    const isClose = other !== null && Math.abs(other.x - at.x) < 60;
    const isRight = isClose && at.x >= other.x;
    const gap = 9;
    return {
      text: cut(edge.label, labelMost),
      whole: edge.label,
      at: { x: at.x + (isClose ? (isRight ? gap : -gap) : 0), y: at.y },
      anchor: isClose ? (isRight ? 'start' : 'end') : 'middle',
    };
  });
}

/** How far the words reach. */
function reachOf({ text, at, anchor }: Label): [number, number] {
  const width = letters(text, 6.8);
  if (anchor === 'start') return [at.x, at.x + width];
  if (anchor === 'end') return [at.x - width, at.x];
  return [at.x - width / 2, at.x + width / 2];
}

export function AgentGraph({
  drawing,
  marks,
  chosen,
  onChoose,
}: {
  drawing: Drawing;
  marks?: Map<string, NodeMark>;
  chosen?: string;
  onChoose?: (name: string) => void;
}) {
  const { boxes, placed } = useMemo(() => {
    const end = (name: string): Box => ({ name, width: 64, height: edgeHeight });
    const all = [end('START'), ...drawing.nodes.map(boxOf), end('END')];
    const arcs = drawing.edges.map(({ from, to, label }) => ({
      from,
      to,
      space: label ? letters(cut(label, labelMost), 6.8) : 0,
    }));
    return { boxes: new Map(all.map((box) => [box.name, box])), placed: layOut(all, arcs) };
  }, [drawing]);
  const labels = useMemo(() => labelsOf(drawing, placed.ways), [drawing, placed]);
  const margin = 14;
  const reaches = labels.flatMap((label) => (label ? reachOf(label) : []));
  const left = Math.min(0, ...reaches) - margin;
  const width = Math.max(placed.width, ...reaches) + margin - left;
  const height = placed.height + 2 * margin;
  return (
    <div class="graph" data-testid="graph" tabIndex={0} role="group" aria-label="Graph">
      <p class="hidden">{words(drawing)}</p>
      <svg
        viewBox={`${left.toFixed(0)} ${-margin} ${width.toFixed(0)} ${height.toFixed(0)}`}
        style={{ width: `${width.toFixed(0)}px`, minWidth: `${Math.min(width * 0.7, 560).toFixed(0)}px` }}
        role="group"
        aria-label={`Graph of ${drawing.name}`}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            orient="auto"
          >
            <path d="M0 0.5 7.5 4 0 7.5z" class="graph-arrow" />
          </marker>
        </defs>
        {drawing.edges.map((edge, i) => {
          const way = placed.ways[i]!;
          if (way.length < 2) return null;
          return (
            <path
              key={i}
              class="graph-edge"
              d={edge.from === edge.to ? loopOf(way) : pathOf(way)}
              stroke-dasharray={dashes[edge.kind]}
              marker-end="url(#arrow)"
            />
          );
        })}
        {(['START', 'END'] as const).map((name) => {
          const at = placed.places.get(name)!;
          return (
            <g key={name} class="graph-end">
              <rect
                x={at.x - 32}
                y={at.y - edgeHeight / 2}
                width={64}
                height={edgeHeight}
                rx={edgeHeight / 2}
              />
              <text x={at.x} y={at.y + 4} text-anchor="middle">
                {name}
              </text>
            </g>
          );
        })}
        {drawing.nodes.map((node) => (
          <NodeBox
            key={node.name}
            node={node}
            at={placed.places.get(node.name)!}
            width={boxes.get(node.name)!.width}
            mark={marks?.get(node.name)}
            isChosen={chosen === node.name}
            onChoose={onChoose && (() => onChoose(node.name))}
          />
        ))}
        {labels.map(
          (label, i) =>
            label && (
              <text
                key={i}
                class="graph-label"
                x={label.at.x}
                y={label.at.y + 3}
                text-anchor={label.anchor}
              >
                <title>{label.whole}</title>
                {label.text}
              </text>
            ),
        )}
      </svg>
    </div>
  );
}
