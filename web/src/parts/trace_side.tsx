// A trace beside another one: its runs in time, and the way to the page that has all of it.
import { useMemo, useState } from 'preact/hooks';
import { milliseconds, money, short } from '../format';
import { useLoaded } from '../hooks';
import { observe } from '../observe';
import { Link } from '../router';
import { ProblemBox, Waiting } from './common';
import { openRows, type Row, timeline } from './tree';
import { Waterfall } from './waterfall';

export function TraceSide({ trace, name }: { trace: string; name: string }) {
  const found = useLoaded((signal) => observe.trace(trace, signal), `trace ${trace}`);
  const [selected, setSelected] = useState('');
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const tree = found.value;
  const time = useMemo(() => (tree ? timeline(tree) : null), [tree]);
  const rows = useMemo(() => (time ? openRows(time.rows, closed) : []), [time, closed]);
  const span = useMemo(() => ({ from: 0, to: time?.length_ms ?? 1 }), [time]);
  if (!tree || !time)
    return found.problem ? (
      <ProblemBox problem={found.problem} retry={found.reload} />
    ) : (
      <Waiting lines={4} />
    );
  const href = (run: string) =>
    `/traces/${encodeURIComponent(trace)}${run ? `?run=${encodeURIComponent(run)}` : ''}`;
  const toggle = (row: Row) =>
    setClosed((old) => {
      const next = new Set(old);
      if (!next.delete(row.run.id)) next.add(row.run.id);
      return next;
    });
  return (
    <div class="stack tight trace-side" role="group" aria-label={`Trace of ${name}`}>
      <p class="muted">
        {[
          tree.latency_ms !== null && milliseconds(tree.latency_ms),
          tree.total_tokens > 0 && `${short(tree.total_tokens)} tokens`,
          tree.cost_usd !== null && money(tree.cost_usd),
        ]
          .filter(Boolean)
          .join(' · ')}{' '}
        <Link href={href(selected)}>{selected ? 'Open this run' : 'Open the trace'}</Link>
      </p>
      <Waterfall
        id={`side-${name}-${trace}`.replace(/[^\w-]/g, '')}
        timeline={time}
        rows={rows}
        span={span}
        selected={selected}
        closed={closed}
        onSelect={(row) => setSelected(row.run.id)}
        onToggle={toggle}
        onEnter={() => undefined}
      />
    </div>
  );
}
