// Rules that judge what comes in: which runs, how many of them, and what they found. Scores are of the runs that were
// sampled, and nothing is said of the others.
import { useState } from 'preact/hooks';
import { percent } from '../format';
import { asProblem, useLoaded } from '../hooks';
import type { Problem } from '../api';
import { evaluation, type Evaluator, type EvaluatorWish } from '../evaluation';
import { Confirm, Empty, ProblemBox, Waiting } from './common';
import { EvaluatorDialog } from './evaluator_dialog';
import { EvaluatorScores } from './evaluator_scores';
import { Icon } from './icons';

const what = ({ evaluator }: EvaluatorWish): string => {
  const not = evaluator.negate ? 'not ' : '';
  switch (evaluator.kind) {
    case 'contains':
      return `does ${not}contain “${evaluator.text}”`;
    case 'regex':
      return `does ${not}match ${evaluator.pattern}`;
    case 'json':
      return `is ${not}JSON`;
    case 'judge':
      return `judged by ${evaluator.prompt}${evaluator.model ? ` with ${evaluator.model}` : ''}`;
    case 'metric':
      return `${evaluator.metric?.name}, ${evaluator.model ? `judged by ${evaluator.model}` : 'without a judge'}`;
    case 'code':
      return 'scored by Python';
    default:
      return evaluator.kind;
  }
};

const whose = (rule: EvaluatorWish): string =>
  [
    rule.project ? `project ${rule.project}` : 'all projects',
    rule.roots_only ? 'whole traces' : 'any run',
    Object.keys(rule.filter).length > 0 ? JSON.stringify(rule.filter) : '',
  ]
    .filter(Boolean)
    .join(' · ');

function Card({
  rule,
  onEdit,
  onChange,
}: {
  rule: Evaluator;
  onEdit: () => void;
  onChange: () => void;
}) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const { id, created_at: _, ...wish } = rule;
  const set = async (enabled: boolean) => {
    try {
      await evaluation.putEvaluator(id, { ...wish, enabled });
      onChange();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <li class="card stack tight" data-testid="evaluator" data-evaluator={rule.name}>
      <div class="row between">
        <h2>{rule.name}</h2>
        <label class="check live">
          <input
            type="checkbox"
            role="switch"
            aria-label={`${rule.name} judges`}
            checked={rule.enabled}
            onChange={(event) => void set(event.currentTarget.checked)}
          />
        </label>
      </div>
      <p>
        <code>{rule.key}</code> {what(rule)}
      </p>
      <p class="muted">{whose(rule)}</p>
      <p>
        <strong data-testid="sample">{percent(rule.sample)}</strong>{' '}
        <span class="muted">of the traces are judged</span>
      </p>
      <EvaluatorScores rule={rule} />
      <ProblemBox problem={problem} />
      <div class="row">
        <button type="button" class="quiet small" onClick={onEdit}>
          Edit
        </button>
        <button type="button" class="quiet small" onClick={() => setRemoving(true)}>
          <Icon name="trash" /> Delete
        </button>
      </div>
      {isRemoving && (
        <Confirm
          title={`Delete ${rule.name}?`}
          verb="Delete"
          onClose={() => setRemoving(false)}
          onConfirm={async () => {
            await evaluation.removeEvaluator(id);
            onChange();
          }}
        >
          Nothing more is judged by it. The scores that it gave stay.
        </Confirm>
      )}
    </li>
  );
}

export function Evaluators() {
  const list = useLoaded((signal) => evaluation.evaluators(signal), 'evaluators');
  const [open, setOpen] = useState<Evaluator | 'new' | null>(null);
  const rules = list.value?.items;
  const create = (
    <button type="button" class="quiet" onClick={() => setOpen('new')}>
      <Icon name="plus" /> New evaluator
    </button>
  );
  return (
    <div class="stack tight">
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!rules && !list.problem && <Waiting lines={5} />}
      {rules?.length === 0 && (
        <Empty icon="evaluations" title="Nothing judges what comes in" action={create}>
          A rule judges a share of the traces as they end, and writes a score on each.
        </Empty>
      )}
      {rules && rules.length > 0 && <div class="row end">{create}</div>}
      <ul class="cards">
        {(rules ?? []).map((rule) => (
          <Card key={rule.id} rule={rule} onEdit={() => setOpen(rule)} onChange={list.reload} />
        ))}
      </ul>
      {open && (
        <EvaluatorDialog
          rule={open === 'new' ? null : open}
          onDone={list.reload}
          onClose={() => setOpen(null)}
        />
      )}
    </div>
  );
}
