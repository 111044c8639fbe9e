// One case of an evaluation: what was asked, what came, what was expected, and how each metric scored it.
import { useState } from 'preact/hooks';
import { milliseconds, money } from '../format';
import { evaluation, type EvaluationItem } from '../evaluation';
import { Link } from '../router';
import { AreaField, CopyButton, FormDialog, InputField } from './common';
import { diff } from './diff';
import { Icon } from './icons';
import { LongText } from './json_view';
import { Pieces } from './pieces';
import { ScoreView } from './score_view';

/** The case goes into a dataset of cases that must not fail again. */
function RegressionDialog({
  evaluationId,
  item,
  onClose,
}: {
  evaluationId: string;
  item: EvaluationItem;
  onClose: () => void;
}) {
  const [dataset, setDataset] = useState('regressions');
  const [expected, setExpected] = useState(item.expected_output ?? '');
  const [done, setDone] = useState('');
  const submit = async () => {
    const { ids } = await evaluation.addRegression(evaluationId, {
      dataset: dataset.trim(),
      item: item.id,
      expected_output: expected.trim() || null,
    });
    setDone(
      ids.length
        ? `It is in ${dataset} now, as a critical case.`
        : `It is in ${dataset} already; it is as critical as before.`,
    );
  };
  return (
    <FormDialog
      title="Add to the regression set"
      verb="Add"
      isReady={!!dataset.trim()}
      onSubmit={submit}
      done={done}
      doneAction={
        <Link class="button quiet" href={`/datasets/${encodeURIComponent(dataset.trim())}`}>
          Open the set
        </Link>
      }
      onClose={onClose}
    >
      <p>Its cases are critical: a gate fails when one that passed fails again.</p>
      <InputField
        label="Dataset"
        hint="It is made where there is none"
        value={dataset}
        required
        pattern="[^\/@]+"
        onInput={setDataset}
      />
      <AreaField
        label="What should have come"
        hint="Empty: nobody has said it yet"
        rows={4}
        value={expected}
        onInput={setExpected}
      />
    </FormDialog>
  );
}

function Answer({ item }: { item: EvaluationItem }) {
  const [isDiff, setDiff] = useState(false);
  const { actual_output: actual, expected_output: expected } = item;
  return (
    <>
      <section class="payload" aria-label="What came">
        <div class="row between">
          <h3>What came</h3>
          {actual !== null && expected !== null && actual !== expected && (
            <button
              type="button"
              class="quiet small"
              aria-pressed={isDiff}
              onClick={() => setDiff(!isDiff)}
            >
              Differences
            </button>
          )}
        </div>
        {actual === null ? (
          <p class="muted">Nothing.</p>
        ) : isDiff ? (
          <div class="diff-side">
            <Pieces pieces={diff(expected ?? '', actual)} />
          </div>
        ) : (
          <LongText text={actual} />
        )}
      </section>
      {expected !== null && (
        <section class="payload" aria-label="What was expected">
          <h3>What was expected</h3>
          <LongText text={expected} />
        </section>
      )}
    </>
  );
}

export function ItemView({
  evaluationId,
  item,
  onClose,
}: {
  evaluationId: string;
  item: EvaluationItem;
  onClose: () => void;
}) {
  const [isAdding, setAdding] = useState(false);
  return (
    <aside class="trace-detail run-detail" aria-label="Case" data-testid="item-detail">
      <div class="row between">
        <h2>
          Case <code>{item.id.slice(0, 16)}</code>
        </h2>
        <button type="button" class="bare" aria-label="Close the case" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div class="row">
        {item.trace_id && (
          <Link class="button quiet small" href={`/traces/${encodeURIComponent(item.trace_id)}`}>
            Its trace
          </Link>
        )}
        <button type="button" class="quiet small" onClick={() => setAdding(true)}>
          Add to the regression set
        </button>
        <CopyButton text={item.id} label="Copy id" />
      </div>
      {item.error && (
        <div class="problem">
          <p>{item.error}</p>
        </div>
      )}
      <section class="payload" aria-label="Input">
        <h3>Input</h3>
        <LongText text={item.input} />
      </section>
      <Answer item={item} />
      {Object.entries(item.scores).map(([name, score]) => (
        <ScoreView key={name} name={name} score={score} />
      ))}
      {item.retrieval_context.length > 0 && (
        <details>
          <summary>What was retrieved ({item.retrieval_context.length})</summary>
          <ol class="verdicts">
            {item.retrieval_context.map((text, i) => (
              <li key={i}>
                <LongText text={text} />
              </li>
            ))}
          </ol>
        </details>
      )}
      <p class="muted">
        {[
          item.severity === 'critical' ? 'critical' : '',
          item.cluster && `cluster ${item.cluster}`,
          item.latency_ms !== null && milliseconds(item.latency_ms),
          item.cost_usd !== null && money(item.cost_usd),
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {isAdding && (
        <RegressionDialog
          evaluationId={evaluationId}
          item={item}
          onClose={() => setAdding(false)}
        />
      )}
    </aside>
  );
}
