// The stored record of one answer.
import { useState } from 'preact/hooks';
import { api, type Problem, type Replay } from '../api';
import { asProblem, useLoaded, useTitle } from '../hooks';
import { CopyButton, Page, ProblemBox, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';

export function ReceiptPage({ id }: { id: string }) {
  useTitle('Receipt');
  const receipt = useLoaded((signal) => api.receipt(id, signal), id);
  const [replay, setReplay] = useState<Replay | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      setReplay(await api.replay(id));
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  const text = receipt.value ? JSON.stringify(receipt.value, null, 2) : '';
  const actions = (
    <button type="button" disabled={isBusy || !receipt.value} onClick={run}>
      <Icon name="replay" /> {isBusy ? 'Replaying' : 'Replay'}
    </button>
  );
  return (
    <Page title="Receipt" lead={<code>{id}</code>} actions={actions}>
      <ProblemBox problem={receipt.problem ?? problem} />
      {replay && (
        <div role="status">
          <dl class="facts">
            <div>
              <dt>Retrieval</dt>
              <dd>{replay.retrieval}</dd>
            </div>
            <div>
              <dt>Answer</dt>
              <dd>{replay.answer.replace('_', ' ')}</dd>
            </div>
            {replay.citations.map((citation) => (
              <div key={citation.number}>
                <dt>Source {citation.number}</dt>
                <dd>
                  <span class={`state ${citation.state}`}>{citation.state}</span>
                </dd>
              </div>
            ))}
          </dl>
        </div>
      )}
      {!receipt.value && !receipt.problem && <Waiting lines={8} />}
      {receipt.value && (
        <>
          <p>
            Everything that is needed to make this answer again: what was asked, found, sent to a
            model, and answered.
          </p>
          <div class="row">
            <CopyButton text={text} label="Copy as JSON" />
          </div>
          <pre class="json" tabIndex={0} aria-label="The receipt as JSON">
            {text}
          </pre>
        </>
      )}
    </Page>
  );
}
