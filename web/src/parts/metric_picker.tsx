// The metrics of an evaluation: those that fit the way of judging, each with its bound.
import { useState } from 'preact/hooks';
import type { MetricInfo } from '../evaluation';
import { Field } from './common';

export interface MetricWish {
  name: string;
  threshold: number | null; // null: as the metric says.
  options: Record<string, unknown>;
}

/** The metrics of a suite; what no field here says is kept as it is. */
export function wishesOf(metrics: Record<string, unknown>[]): MetricWish[] {
  return metrics.map(({ name, threshold, ...options }) => ({
    name: String(name),
    threshold: typeof threshold === 'number' ? threshold : null,
    options,
  }));
}

/** What can be given: with a judge all of them, without one those that need none. */
const isOffered = (info: MetricInfo, hasJudge: boolean): boolean =>
  hasJudge || !info.needs_judge || info.modes.includes('local');

const needNames: Record<string, string> = {
  expected_output: 'what is expected',
  retrieval_context: 'what was retrieved',
  context: 'the true context',
  retrieved_ids: 'ids of what was retrieved',
  relevance: 'relevant ids',
  tools_called: 'the tools called',
  expected_tools: 'the tools expected',
};

function MetricRow({
  info,
  wish,
  onChange,
}: {
  info: MetricInfo;
  wish: MetricWish | undefined;
  onChange: (wish: MetricWish | null) => void;
}) {
  const needs = info.needs
    .filter((need) => need in needNames)
    .map((need) => needNames[need])
    .join(', ');
  return (
    <li class="metric-row" data-metric={info.name}>
      <label class="check" title={info.formula}>
        <input
          type="checkbox"
          checked={wish !== undefined}
          onChange={(event) =>
            onChange(
              event.currentTarget.checked
                ? { name: info.name, threshold: null, options: {} }
                : null,
            )
          }
        />
        <span>
          {info.name}
          <span class="muted block">
            {info.summary}
            {needs && ` Needs ${needs}.`}
          </span>
        </span>
      </label>
      {wish && (
        <Field label="Passes from" class="narrow-field">
          {(attributes) => (
            <input
              {...attributes}
              type="number"
              step="any"
              min="0"
              placeholder="0.5"
              aria-label={`${info.name} passes from`}
              value={wish.threshold ?? ''}
              onInput={(event) =>
                onChange({
                  ...wish,
                  threshold:
                    event.currentTarget.value === '' ? null : Number(event.currentTarget.value),
                })
              }
            />
          )}
        </Field>
      )}
    </li>
  );
}

export function MetricPicker({
  infos,
  hasJudge,
  chosen,
  onChange,
}: {
  infos: MetricInfo[];
  hasJudge: boolean;
  chosen: MetricWish[];
  onChange: (chosen: MetricWish[]) => void;
}) {
  const [words, setWords] = useState('');
  const offered = infos.filter((info) => isOffered(info, hasJudge));
  const wished = (name: string) => chosen.find((one) => one.name === name);
  const shown = offered.filter(
    (info) =>
      wished(info.name) ||
      `${info.name} ${info.summary}`.toLowerCase().includes(words.trim().toLowerCase()),
  );
  const lost = chosen.filter((one) => !offered.some((info) => info.name === one.name));
  return (
    <div class="stack tight">
      <Field label="Find a metric">
        {(attributes) => (
          <input
            {...attributes}
            type="search"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        )}
      </Field>
      <ul class="metric-list" aria-label="Metrics">
        {shown.map((info) => (
          <MetricRow
            key={info.name}
            info={info}
            wish={wished(info.name)}
            onChange={(wish) => {
              const rest = chosen.filter((one) => one.name !== info.name);
              onChange(wish ? [...rest, wish] : rest);
            }}
          />
        ))}
      </ul>
      {lost.length > 0 && (
        <p class="refusal">
          {lost.map((one) => one.name).join(', ')}: only a model can judge this.{' '}
          <button
            type="button"
            class="link"
            onClick={() => onChange(chosen.filter((one) => !lost.includes(one)))}
          >
            Leave out
          </button>
        </p>
      )}
    </div>
  );
}
