// The metrics of an evaluation: those that fit the way of judging, each with its bound, mode and options.
import { useState } from 'preact/hooks';
import type { MetricInfo, MetricOption } from '../evaluation';
import { Field, InputField } from './common';

export interface MetricWish {
  name: string;
  threshold: number | null; // null: as the metric says.
  options: Record<string, unknown>; // With the mode, where one was chosen.
}

/** The metrics of a suite; what no field here says is kept as it is. */
export function wishesOf(metrics: Record<string, unknown>[]): MetricWish[] {
  return metrics.map(({ name, threshold, ...options }) => ({
    name: String(name),
    threshold: typeof threshold === 'number' ? threshold : null,
    options,
  }));
}

const usable = (info: MetricInfo, hasJudge: boolean) =>
  info.modes.filter((mode) => hasJudge || !mode.needs_judge);

const needNames: Record<string, string> = {
  expected_output: 'what is expected',
  retrieval_context: 'what was retrieved',
  context: 'the true context',
  retrieved_ids: 'ids of what was retrieved',
  relevance: 'grades of ids',
  tools_called: 'the tools called',
  expected_tools: 'the tools expected',
  latency_ms: 'times',
  cost_usd: 'costs',
};

function needsOf(info: MetricInfo, hasJudge: boolean): string {
  const needs = usable(info, hasJudge)[0]?.needs ?? [];
  return needs
    .map((need) =>
      need
        .split('|')
        .map((one) => needNames[one])
        .filter(Boolean)
        .join(' or '),
    )
    .filter(Boolean)
    .join(', ');
}

/** One option, by its kind; an empty field is no option. */
function OptionField({
  option,
  value,
  onChange,
}: {
  option: MetricOption;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const { name, kind, meaning, fallback, choices } = option;
  const hint = fallback ? `${meaning}; else ${fallback}` : meaning;
  const take = (text: string): unknown => {
    if (!text.trim()) return undefined;
    if (kind === 'number' || kind === 'whole') return Number(text);
    if (kind === 'texts') return text.split('\n').filter((line) => line.trim());
    if (kind === 'pair') return text.split(/[,;\s]+/).map(Number);
    return text;
  };
  const shown = Array.isArray(value) ? value.join(kind === 'texts' ? '\n' : ', ') : (value ?? '');
  if (kind === 'flag')
    return (
      <label class="check" title={meaning}>
        <input
          type="checkbox"
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked || undefined)}
        />
        <span>
          {name}
          <span class="muted block">{meaning}</span>
        </span>
      </label>
    );
  return (
    <Field label={name} hint={hint}>
      {(attributes) =>
        kind === 'choice' ? (
          <select
            {...attributes}
            value={String(shown)}
            onChange={(event) => onChange(take(event.currentTarget.value))}
          >
            <option value="">{fallback || 'As usual'}</option>
            {choices.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        ) : kind === 'number' || kind === 'whole' ? (
          <input
            {...attributes}
            type="number"
            step={kind === 'whole' ? 1 : 'any'}
            value={String(shown)}
            onInput={(event) => onChange(take(event.currentTarget.value))}
          />
        ) : (
          <textarea
            {...attributes}
            rows={kind === 'texts' ? 3 : 1}
            value={String(shown)}
            onInput={(event) => onChange(take(event.currentTarget.value))}
          />
        )
      }
    </Field>
  );
}

function Settings({
  info,
  wish,
  hasJudge,
  onChange,
}: {
  info: MetricInfo;
  wish: MetricWish;
  hasJudge: boolean;
  onChange: (wish: MetricWish) => void;
}) {
  const modes = usable(info, hasJudge);
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = wish.options;
    onChange({ ...wish, options: value === undefined ? rest : { ...rest, [name]: value } });
  };
  return (
    <details>
      <summary>How it is computed</summary>
      <div class="stack tight metric-settings">
        {modes.length > 1 && (
          <Field label="mode">
            {(attributes) => (
              <select
                {...attributes}
                value={String(wish.options.mode ?? '')}
                onChange={(event) => set('mode', event.currentTarget.value || undefined)}
              >
                <option value="">As usual</option>
                {modes.map(({ mode }) => (
                  <option key={mode}>{mode}</option>
                ))}
              </select>
            )}
          </Field>
        )}
        {info.options.map((option) => (
          <OptionField
            key={option.name}
            option={option}
            value={wish.options[option.name]}
            onChange={(value) => set(option.name, value)}
          />
        ))}
        <ul class="muted">
          {modes.map((mode) => (
            <li key={mode.mode}>
              <strong>{mode.mode}</strong>: {mode.formula}
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}

function MetricRow({
  info,
  wish,
  hasJudge,
  onChange,
}: {
  info: MetricInfo;
  wish: MetricWish | undefined;
  hasJudge: boolean;
  onChange: (wish: MetricWish | null) => void;
}) {
  const needs = needsOf(info, hasJudge);
  return (
    <li data-metric={info.name} data-testid="metric-choice">
      <div class="metric-row">
        <label class="check">
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
              {needs && `; needs ${needs}`}
            </span>
          </span>
        </label>
        {wish && (
          <Field label={info.lower_is_better ? 'Bound' : 'Passes from'} class="narrow-field">
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
      </div>
      {wish && <Settings info={info} wish={wish} hasJudge={hasJudge} onChange={onChange} />}
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
  const offered = infos.filter((info) => usable(info, hasJudge).length > 0);
  const wished = (name: string) => chosen.find((one) => one.name === name);
  const shown = offered.filter(
    (info) =>
      wished(info.name) ||
      `${info.name} ${info.summary}`.toLowerCase().includes(words.trim().toLowerCase()),
  );
  const lost = chosen.filter((one) => !offered.some((info) => info.name === one.name));
  return (
    <div class="stack tight">
      <InputField label="Find a metric" type="search" value={words} onInput={setWords} />
      <ul class="metric-list" aria-label="Metrics" tabIndex={0}>
        {shown.map((info) => (
          <MetricRow
            key={info.name}
            info={info}
            wish={wished(info.name)}
            hasJudge={hasJudge}
            onChange={(wish) => {
              const at = chosen.findIndex((one) => one.name === info.name);
              if (!wish) onChange(chosen.filter((one) => one.name !== info.name));
              else onChange(at < 0 ? [...chosen, wish] : chosen.map((one, i) => (i === at ? wish : one)));
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
