// Charts over time, drawn as SVG: bars that stand on each other, or lines. What they show stands below as a table, too.
import { useId, useState } from 'preact/hooks';

export interface Series {
  name: string;
  colour: number | 'bad'; // Of the parts in base.css.
  values: (number | null)[]; // One for each bucket; null: nothing is known.
}

type Props = {
  title: string;
  buckets: string[]; // What they are called.
  series: Series[];
  kind: 'bars' | 'lines';
  show: (value: number) => string;
};

const height = 100; // Of the drawing, in its own units; its width has 1000.
const width = 1000;

/** 1, 2 or 5 with zeros, at least `value`. */
export function niceAbove(value: number): number {
  if (!(value > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * ten >= value * 0.999999) ?? 10;
  return step * ten;
}

const colourClass = (colour: Series['colour']) =>
  colour === 'bad' ? 'part-bad' : `part-${colour}`;

function Bars({ series, top, count }: { series: Series[]; top: number; count: number }) {
  const step = width / count;
  const bars = [];
  for (let i = 0; i < count; i++) {
    let base = height;
    for (const { name, colour, values } of series) {
      const size = ((values[i] ?? 0) / top) * height;
      if (size <= 0) continue;
      base -= size;
      bars.push(
        <rect
          key={`${name} ${i}`}
          class={`part ${colourClass(colour)}`}
          x={i * step + step * 0.1}
          y={base}
          width={step * 0.8}
          height={size}
        />,
      );
    }
  }
  return <>{bars}</>;
}

/** Paths with gaps where nothing is known; a value alone is a short stroke. */
function linePath(values: (number | null)[], top: number): string {
  const step = width / values.length;
  let path = '';
  let isDrawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const x = (i + 0.5) * step;
    const y = height - (value / top) * height;
    const isAlone = !isDrawing && (values[i + 1] ?? null) === null;
    path += isAlone ? `M${x - step * 0.3} ${y}h${step * 0.6}` : `${isDrawing ? 'L' : 'M'}${x} ${y}`;
    isDrawing = true;
  });
  return path;
}

function highest({ series, kind, buckets }: Props): number {
  let most = 0;
  for (let i = 0; i < buckets.length; i++) {
    let sum = 0;
    for (const { values } of series) {
      const value = values[i] ?? 0;
      sum += value;
      most = Math.max(most, value);
    }
    if (kind === 'bars') most = Math.max(most, sum);
  }
  return most;
}

function Numbers({ title, buckets, series, show }: Props) {
  return (
    <div class="table slim">
      <table>
        <caption class="hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            {series.map(({ name }) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {buckets.map((bucket, i) =>
            series.every(({ values }) => !values[i]) ? null : (
              <tr key={bucket}>
                <td>{bucket}</td>
                {series.map(({ name, values }) => (
                  <td key={name} class="number">
                    {values[i] === null || values[i] === undefined ? '–' : show(values[i]!)}
                  </td>
                ))}
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}

export function Chart(props: Props) {
  const { title, buckets, series, kind, show } = props;
  const id = useId();
  const [at, setAt] = useState<number | null>(null);
  const [isOpen, setOpen] = useState(false);
  const most = highest(props);
  const top = niceAbove(most);
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * buckets.length);
    setAt(Math.max(0, Math.min(buckets.length - 1, index)));
  };
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption>
        <h3 id={id}>{title}</h3>
        <p class="legend">
          {at !== null && <strong>{buckets[at]}</strong>}
          {series.map(({ name, colour, values }) => (
            <span key={name} class={`dot ${colourClass(colour)}`}>
              {name}
              {at !== null && ` ${values[at] === null ? '–' : show(values[at] ?? 0)}`}
            </span>
          ))}
        </p>
      </figcaption>
      <div class="chart-area">
        <div class="chart-scale" aria-hidden="true">
          <span>{show(top)}</span>
          <span>{show(top / 2)}</span>
          <span>0</span>
        </div>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}, ${buckets.length} points in time, at most ${show(most)}`}
          onPointerMove={point}
          onPointerLeave={() => setAt(null)}
        >
          <path
            class="grid-line"
            d={`M0 0.5H${width}M0 ${height / 2}H${width}M0 ${height}H${width}`}
          />
          {at !== null && (
            <rect
              class="cursor"
              x={(at * width) / buckets.length}
              y="0"
              width={width / buckets.length}
              height={height}
            />
          )}
          {kind === 'bars' ? (
            <Bars series={series} top={top} count={buckets.length} />
          ) : (
            series.map(({ name, colour, values }) => (
              <path key={name} class={`line ${colourClass(colour)}`} d={linePath(values, top)} />
            ))
          )}
        </svg>
        <div class="chart-times" aria-hidden="true">
          <span>{buckets[0]}</span>
          {buckets.length > 2 && <span>{buckets[Math.floor(buckets.length / 2)]}</span>}
          {buckets.length > 1 && <span>{buckets.at(-1)}</span>}
        </div>
      </div>
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Numbers</summary>
        {isOpen && <Numbers {...props} />}
      </details>
    </figure>
  );
}
