// Means with what they are worth: the value, its interval, how many cases made it.
import { milliseconds, money } from '../format';
import type { Metric } from '../evaluation';

/** How values of a metric are read: times, money, else a share of 1. */
export function shownAs(name: string): (value: number) => string {
  if (/(^|_)latency/.test(name)) return milliseconds;
  if (/(^|_)cost/.test(name)) return (value) => money(Number(value.toPrecision(3)));
  return (value) => (Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3));
}

export function valueOf(name: string, value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : shownAs(name)(value);
}

/** With its sign: "+0.031", "−0.100", "±0". */
export function signed(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const text = shownAs(name)(Math.abs(value));
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : `±${text}`;
}

/** Of few cases an interval may reach far beyond 0 and 1; what it is of does not. */
const isShare = (name: string, middle: number) =>
  !/(^|_)(latency|cost)/.test(name) && middle >= 0 && middle <= 1;

const within = (value: number) => Math.max(0, Math.min(1, value)) * 100;

/** The interval on the way from 0 to 1, with the mean as a dot. Its numbers stand beside it. */
function Bar({ metric }: { metric: Metric }) {
  if (metric.mean === null || !isShare(metric.name, metric.mean)) return null;
  const low = within(metric.low ?? metric.mean);
  const high = within(metric.high ?? metric.mean);
  return (
    <svg class="interval-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="interval-range" x="0" y="0" width="100" height="8" />
      {metric.threshold !== null && (
        <rect class="interval-limit" x={within(metric.threshold) - 0.4} y="0" width="0.8" height="8" />
      )}
      <rect class="interval-span" x={low} y="2" width={Math.max(0.6, high - low)} height="4" />
      <rect class="interval-mean" x={within(metric.mean) - 0.7} y="0" width="1.4" height="8" />
    </svg>
  );
}

export function intervalText(name: string, low: number | null, high: number | null): string {
  if (low === null || high === null) return 'no interval';
  const show = shownAs(name);
  // A share is never outside 0..1, whatever its interval's formula says.
  const [a, b] = isShare(name, (low + high) / 2)
    ? [Math.max(0, low), Math.min(1, high)]
    : [low, high];
  return `${show(a)} – ${show(b)}`;
}

const methods: Record<string, string> = {
  wilson: 'Wilson, for shares',
  t: "Student's t",
  studentized_cluster_bootstrap: 'studentized bootstrap over clusters',
  wilson_design_effect: 'Wilson with design effect',
  cluster_t: "Student's t over clusters",
  percentile_bootstrap: 'percentile bootstrap',
  none: 'none: too few values',
};

export function MetricTable({ metrics, title }: { metrics: Metric[]; title: string }) {
  return (
    <div class="table" tabIndex={0} role="group" aria-label={title}>
      <table class="metric-table" data-testid="metric-table">
        <caption class="hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col" class="number">
              Value
            </th>
            <th scope="col">95 % interval</th>
            <th scope="col" class="number">
              n
            </th>
            <th scope="col" class="number wide-only">
              Clusters
            </th>
            <th scope="col" class="number">
              Passed
            </th>
            <th
              scope="col"
              class="number wide-only"
              title="The smallest true change that this many cases show in 4 of 5 runs"
            >
              Shows from
            </th>
          </tr>
        </thead>
        <tbody>
          {metrics.map((metric) => (
            <tr key={metric.name} data-metric={metric.name}>
              <th scope="row">
                {metric.name}
                {metric.lower_is_better && <span class="muted block">lower is better</span>}
              </th>
              <td class="number">
                <strong>{valueOf(metric.name, metric.mean)}</strong>
              </td>
              <td title={methods[metric.method] ?? metric.method}>
                <Bar metric={metric} />
                <span class="muted number">
                  {intervalText(metric.name, metric.low, metric.high)}
                </span>
              </td>
              <td class="number">
                {metric.n}
                {metric.skipped > 0 && <span class="muted block">{metric.skipped} without</span>}
                {metric.errors > 0 && <span class="bad block">{metric.errors} failed</span>}
              </td>
              <td class="number wide-only">{metric.clusters || '–'}</td>
              <td class="number">
                {metric.pass_rate === null ? '–' : `${Math.round(metric.pass_rate * 1000) / 10} %`}
              </td>
              <td class="number wide-only">{valueOf(metric.name, metric.mde)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
