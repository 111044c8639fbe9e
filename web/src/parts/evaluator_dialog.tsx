// A rule that judges what comes in, made or changed.
import { useState } from 'preact/hooks';
import { Problem } from '../api';
import { asProblem, useLoaded } from '../hooks';
import { evaluation, type Evaluator, type EvaluatorWish } from '../evaluation';
import { observe } from '../observe';
import { Dialog, Field, InputField, ProblemBox } from './common';

type Kind = EvaluatorWish['evaluator']['kind'];
const kinds: [Kind, string][] = [
  ['contains', 'contains a text'],
  ['regex', 'matches a pattern'],
  ['json', 'is JSON'],
  ['judge', 'is judged by a model'],
  ['metric', 'is scored by a metric'],
  ['code', 'is scored by Python'],
];

const seesWholeRun = (kind: Kind) => kind === 'metric' || kind === 'code';

const fresh: EvaluatorWish = {
  name: '',
  key: '',
  project: '',
  filter: {},
  roots_only: true,
  sample: 1,
  enabled: true,
  evaluator: { kind: 'contains' },
};

function Text({
  label,
  hint,
  value,
  isRequired = false,
  isCode = false,
  list,
  onInput,
}: {
  label: string;
  hint?: string;
  value: string;
  isRequired?: boolean;
  isCode?: boolean;
  list?: string[];
  onInput: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint}>
      {(attributes) => (
        <>
          <input
            {...attributes}
            class={isCode ? 'code' : ''}
            value={value}
            required={isRequired}
            autocomplete="off"
            list={list ? `${attributes.id}-list` : undefined}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
          {list && (
            <datalist id={`${attributes.id}-list`}>
              {list.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

function HowFields({
  how,
  change,
}: {
  how: EvaluatorWish['evaluator'];
  change: (part: Partial<EvaluatorWish['evaluator']>) => void;
}) {
  const prompts = useLoaded(
    (signal) =>
      how.kind === 'judge' ? observe.prompts('', 0, signal) : Promise.resolve({ items: [], total: 0 }),
    `prompts ${how.kind}`,
  );
  const metrics = useLoaded(
    (signal) => (how.kind === 'metric' ? evaluation.metrics(signal) : Promise.resolve({ items: [] })),
    `metrics ${how.kind}`,
  );
  return (
    <>
      <Field label={seesWholeRun(how.kind) ? 'The answer' : 'It is 1 if the answer'}>
        {(attributes) => (
          <select
            {...attributes}
            value={how.kind}
            onChange={(event) => {
              const kind = event.currentTarget.value as Kind;
              change(seesWholeRun(kind) ? { kind, negate: false, path: '' } : { kind });
            }}
          >
            {kinds.map(([kind, name]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      {how.kind === 'contains' && (
        <Text label="Text" value={how.text ?? ''} isRequired onInput={(text) => change({ text })} />
      )}
      {how.kind === 'regex' && (
        <Text
          label="Pattern"
          value={how.pattern ?? ''}
          isRequired
          isCode
          onInput={(pattern) => change({ pattern })}
        />
      )}
      {how.kind === 'judge' && (
        <>
          <Text
            label="Prompt"
            hint="Its variables are input and output"
            value={how.prompt ?? ''}
            isRequired
            list={(prompts.value?.items ?? []).map((one) => one.name)}
            onInput={(prompt) => change({ prompt })}
          />
          <Text
            label="Model"
            hint="Empty: that of the prompt"
            value={how.model ?? ''}
            onInput={(model) => change({ model })}
          />
        </>
      )}
      {how.kind === 'metric' && (
        <>
          <Text
            label="Metric"
            hint="Scored with the passages, tools, times and costs of the run"
            value={String(how.metric?.name ?? '')}
            isRequired
            list={(metrics.value?.items ?? []).map((one) => one.name)}
            onInput={(name) => change({ metric: { ...how.metric, name } })}
          />
          <Text
            label="Model that judges"
            hint="Empty: none is asked, the metric's local form"
            value={how.model ?? ''}
            onInput={(model) => change({ model })}
          />
        </>
      )}
      {how.kind === 'code' && (
        <Field
          label="Python"
          hint="perform_eval(run) gives a number, a truth value or {'score': 0.5, 'comment': '...'}; it has no network and no files"
        >
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={8}
              required
              spellcheck={false}
              placeholder={"def perform_eval(run):\n    return len(run['outputs']['answer']) < 500"}
              value={how.code ?? ''}
              onInput={(event) => change({ code: event.currentTarget.value })}
            />
          )}
        </Field>
      )}
      {how.kind !== 'judge' && !seesWholeRun(how.kind) && (
        <label class="check">
          <input
            type="checkbox"
            checked={how.negate ?? false}
            onChange={(event) => change({ negate: event.currentTarget.checked })}
          />{' '}
          The other way round: 1 if it does not
        </label>
      )}
    </>
  );
}

export function EvaluatorDialog({
  rule,
  onDone,
  onClose,
}: {
  rule: Evaluator | null;
  onDone: () => void;
  onClose: () => void;
}) {
  const { id: _i, created_at: _c, ...known } = rule ?? { ...fresh, id: '', created_at: '' };
  const [wish, setWish] = useState<EvaluatorWish>(known);
  const [share, setShare] = useState(String(known.sample * 100));
  const [filter, setFilter] = useState(
    Object.keys(known.filter).length ? JSON.stringify(known.filter) : '',
  );
  const [problem, setProblem] = useState<Problem | null>(null);
  const projects = useLoaded((signal) => observe.projects(signal), 'projects');
  const change = (part: Partial<EvaluatorWish>) => setWish((old) => ({ ...old, ...part }));
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      let parsed: Record<string, unknown> = {};
      if (filter.trim())
        try {
          parsed = JSON.parse(filter);
        } catch (error) {
          throw new Problem(0, `filter: ${(error as Error).message}`);
        }
      const whole = { ...wish, filter: parsed, sample: Number(share) / 100 };
      if (rule) await evaluation.putEvaluator(rule.id, whole);
      else await evaluation.createEvaluator(whole);
      onDone();
      onClose();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <Dialog title={rule ? 'Change the evaluator' : 'New evaluator'} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <div class="grid">
          <Text label="Name" value={wish.name} isRequired onInput={(name) => change({ name })} />
          <Text
            label="Key of its scores"
            value={wish.key}
            isRequired
            onInput={(key) => change({ key })}
          />
        </div>
        <HowFields
          how={wish.evaluator}
          change={(part) => change({ evaluator: { ...wish.evaluator, ...part } })}
        />
        <div class="grid">
          <Text
            label="Project"
            hint="Empty: all"
            value={wish.project}
            list={(projects.value ?? []).map((one) => one.name)}
            onInput={(project) => change({ project })}
          />
          <InputField
            label="Share of the traces, %"
            hint="By trace id: the same ones at every server"
            type="number"
            min="0"
            max="100"
            step="any"
            required
            value={share}
            onInput={setShare}
          />
        </div>
        <Text
          label="Filter"
          hint='Empty: all; else JSON as in lists of runs: {"model": "gpt-4o"}'
          value={filter}
          isCode
          onInput={setFilter}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={!wish.roots_only}
            onChange={(event) => change({ roots_only: !event.currentTarget.checked })}
          />{' '}
          Also runs within a trace
        </label>
        <ProblemBox problem={problem} />
        <div class="row end">
          <button type="submit">{rule ? 'Save' : 'Create'}</button>
        </div>
      </form>
    </Dialog>
  );
}
