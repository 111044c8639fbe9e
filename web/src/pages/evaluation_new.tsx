// An evaluation to start: which cases, what answers them, which metrics, who judges. What is chosen stands below as the
// suite that the command line and the API take.
import { useMemo, useState } from 'preact/hooks';
import { api, Problem } from '../api';
import { asProblem, useLoaded, useTitle } from '../hooks';
import { type Dataset, evaluation, evaluationHref, type MetricInfo } from '../evaluation';
import { observe } from '../observe';
import {
  AreaField,
  Choice,
  CopyButton,
  Empty,
  Field,
  InputField,
  Page,
  ProblemBox,
  Waiting,
} from '../parts/common';
import { MetricPicker, type MetricWish, wishesOf } from '../parts/metric_picker';
import { usePageQuery } from '../parts/marks';
import { Link, navigate } from '../router';

type TargetKind = 'goldens' | 'rag' | 'model';
const targets = [
  ['goldens', 'What the cases hold'],
  ['rag', 'A collection'],
  ['model', 'A model'],
] as const;

type Judging = 'local' | 'model';
const judgings = [
  ['local', 'Without a model'],
  ['model', 'By a model'],
] as const;

export interface Form {
  name: string;
  dataset: string;
  at: string; // A tag or version; empty: the current one.
  target: TargetKind;
  collection: string;
  model: string;
  system: string;
  judging: Judging;
  judge: string;
  metrics: MetricWish[];
  repeats: number;
}

const first: Form = {
  name: '',
  dataset: '',
  at: '',
  target: 'goldens',
  collection: '',
  model: '',
  system: '',
  judging: 'local',
  judge: '',
  metrics: [],
  repeats: 1,
};

export function suiteOf(form: Form): Record<string, unknown> {
  const suite: Record<string, unknown> = {
    name: form.name.trim() || form.dataset,
    dataset: form.at ? `${form.dataset}@${form.at}` : form.dataset,
  };
  if (form.target === 'rag') suite.target = { rag: form.collection };
  if (form.target === 'model')
    suite.target = { model: form.model, ...(form.system.trim() ? { system: form.system } : {}) };
  if (form.judging === 'model') suite.judge = { model: form.judge };
  if (form.repeats > 1) suite.repeats = form.repeats;
  suite.metrics = form.metrics.map(({ name, threshold, options }) => ({
    name,
    ...options,
    ...(threshold === null ? {} : { threshold }),
  }));
  return suite;
}

/** What an earlier suite says, as far as this form can say it. */
export function formOf(suite: Record<string, any>): Form {
  const [dataset = '', at = ''] = String(suite.dataset ?? '').split('@');
  const target = suite.target ?? {};
  return {
    ...first,
    name: String(suite.name ?? ''),
    dataset,
    at,
    target: target.rag ? 'rag' : target.model ? 'model' : 'goldens',
    collection: target.rag ?? '',
    model: target.model ?? '',
    system: target.system ?? '',
    judging: suite.judge?.model ? 'model' : 'local',
    judge: suite.judge?.model ?? '',
    metrics: wishesOf(suite.metrics ?? []),
    repeats: suite.repeats ?? 1,
  };
}

function Select({
  label,
  hint,
  value,
  options,
  isRequired = true,
  onChange,
}: {
  label: string;
  hint?: string;
  value: string;
  options: readonly (readonly [string, string])[];
  isRequired?: boolean;
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint} class="grow">
      {(attributes) => (
        <select
          {...attributes}
          value={value}
          required={isRequired}
          onChange={(event) => onChange(event.currentTarget.value)}
        >
          {!options.some(([one]) => one === value) && (
            <option value={value}>{value || 'Choose…'}</option>
          )}
          {options.map(([one, text]) => (
            <option key={one} value={one}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function useOffers() {
  const collections = useLoaded((signal) => api.collections(signal), 'collections');
  const models = useLoaded((signal) => observe.chatModels(signal), 'chat models');
  const metrics = useLoaded((signal) => evaluation.metrics(signal), 'metrics');
  const datasets = useLoaded((signal) => evaluation.allDatasets(signal), 'all datasets');
  const ready = (models.value ?? [])
    .filter((model) => !('status' in model) || model.status !== 'available')
    .map((model) => [model.name, model.name] as const);
  return { collections, models: ready, metrics, datasets };
}

function WhatSection({
  form,
  datasets,
  change,
}: {
  form: Form;
  datasets: Dataset[];
  change: (change: Partial<Form>) => void;
}) {
  const versions = useLoaded(
    (signal) =>
      form.dataset ? evaluation.versions(form.dataset, '', signal) : Promise.resolve({ items: [] }),
    `versions ${form.dataset}`,
  );
  const tagged = (versions.value?.items ?? []).flatMap((one) =>
    one.tags.filter((tag) => tag !== 'latest').map((tag) => [tag, tag] as const),
  );
  return (
    <section class="card stack" aria-labelledby="what-title">
      <h2 id="what-title">Cases</h2>
      <div class="row">
        <Select
          label="Dataset"
          value={form.dataset}
          options={datasets.map(
            (one) => [one.name, `${one.name} (${one.example_count})`] as const,
          )}
          onChange={(dataset) => change({ dataset, at: '' })}
        />
        <Select
          label="Version"
          isRequired={false}
          value={form.at}
          options={[['', 'The current one'], ...tagged]}
          onChange={(at) => change({ at })}
        />
        <InputField
          label="Name of the evaluation"
          class="grow"
          value={form.name}
          maxLength={200}
          placeholder={form.dataset}
          autocomplete="off"
          onInput={(value) => change({ name: value })}
        />
      </div>
    </section>
  );
}

function TargetSection({
  form,
  collections,
  models,
  change,
}: {
  form: Form;
  collections: { name: string }[];
  models: (readonly [string, string])[];
  change: (change: Partial<Form>) => void;
}) {
  return (
    <section class="card stack" aria-labelledby="target-title">
      <h2 id="target-title">What answers</h2>
      <Choice
        label="Answers of"
        value={form.target}
        options={targets}
        onChange={(target) => change({ target })}
      />
      {form.target === 'goldens' && (
        <p class="muted">Each case has its answer in it, as “actual_output”.</p>
      )}
      {form.target === 'rag' && (
        <Select
          label="Collection"
          value={form.collection}
          options={collections.map((one) => [one.name, one.name] as const)}
          onChange={(collection) => change({ collection })}
        />
      )}
      {form.target === 'model' && (
        <>
          <Select
            label="Model"
            value={form.model}
            options={models}
            onChange={(model) => change({ model })}
          />
          <AreaField
            label="System message"
            rows={2}
            value={form.system}
            onInput={(value) => change({ system: value })}
          />
        </>
      )}
    </section>
  );
}

function MetricsSection({
  form,
  infos,
  models,
  change,
}: {
  form: Form;
  infos: MetricInfo[];
  models: (readonly [string, string])[];
  change: (change: Partial<Form>) => void;
}) {
  return (
    <section class="card stack" aria-labelledby="metrics-title">
      <h2 id="metrics-title">Metrics</h2>
      <Choice
        label="Judged"
        value={form.judging}
        options={judgings}
        onChange={(judging) => change({ judging })}
      />
      {form.judging === 'model' && (
        <Select
          label="Judge"
          hint="Each question to it is a call: traced, cached, paid"
          value={form.judge}
          options={models}
          onChange={(judge) => change({ judge })}
        />
      )}
      <MetricPicker
        infos={infos}
        hasJudge={form.judging === 'model'}
        chosen={form.metrics}
        onChange={(metrics) => change({ metrics })}
      />
    </section>
  );
}

/** What is missing before it can start; empty: nothing. */
function missing(form: Form): string {
  if (!form.dataset) return 'Choose a dataset.';
  if (form.target === 'rag' && !form.collection) return 'Choose the collection that answers.';
  if (form.target === 'model' && !form.model) return 'Choose the model that answers.';
  if (form.judging === 'model' && !form.judge) return 'Choose the model that judges.';
  return form.metrics.length ? '' : 'Choose a metric at least.';
}

export function NewEvaluationPage() {
  useTitle('New evaluation');
  const page = usePageQuery();
  const from = page.get('from');
  const [form, setForm] = useState<Form>({ ...first, dataset: page.get('dataset') });
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const offers = useOffers();
  const old = useLoaded(async (signal) => {
    if (!from) return null;
    const one = await evaluation.evaluation(from, signal);
    if (one.request) setForm(formOf(one.request));
    return one;
  }, `from ${from}`);
  const change = (part: Partial<Form>) => setForm((now) => ({ ...now, ...part }));
  const suite = useMemo(() => suiteOf(form), [form]);
  const isMissing = missing(form);
  const start = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { evaluation: made } = await evaluation.start(suite);
      navigate(evaluationHref(made.id));
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const trouble = offers.datasets.problem ?? offers.metrics.problem ?? old.problem;
  const isThere = offers.datasets.value && offers.metrics.value && (!from || old.value);
  return (
    <Page
      title="New evaluation"
      lead={<Link href="/evaluations">All evaluations</Link>}
    >
      <ProblemBox problem={trouble} retry={offers.datasets.reload} />
      {!isThere && !trouble && <Waiting lines={8} />}
      {isThere && offers.datasets.value!.length === 0 && (
        <Empty icon="datasets" title="A dataset comes first">
          <Link href="/datasets">Make one</Link>: cases with inputs, and with what should come out.
        </Empty>
      )}
      {isThere && offers.datasets.value!.length > 0 && (
        <form class="stack" onSubmit={start} data-testid="new-evaluation">
          <WhatSection form={form} datasets={offers.datasets.value!} change={change} />
          <TargetSection
            form={form}
            collections={offers.collections.value ?? []}
            models={offers.models}
            change={change}
          />
          <MetricsSection
            form={form}
            infos={offers.metrics.value!.items}
            models={offers.models}
            change={change}
          />
          <details>
            <summary>The suite: for `slipway eval run`, or POST /api/evaluations</summary>
            <pre class="json" tabIndex={0}>
              {JSON.stringify(suite, null, 2)}
            </pre>
            <CopyButton text={JSON.stringify(suite, null, 2)} label="Copy" />
          </details>
          <ProblemBox problem={problem} />
          <div class="row">
            <button type="submit" disabled={isBusy || isMissing !== ''}>
              Start
            </button>
            {isMissing && <p class="muted">{isMissing}</p>}
          </div>
        </form>
      )}
    </Page>
  );
}
