// One run: what went in and came out, what it took and cost, and what can be done with it.
import { useEffect, useState } from 'preact/hooks';
import { count, exactMoney, milliseconds, money, time } from '../format';
import { useLoaded } from '../hooks';
import { knownPaths, observe, type Cost, type Run, type RunHead, type Usage } from '../observe';
import { Link } from '../router';
import { CopyButton, ProblemBox, Waiting } from './common';
import { AddToDataset } from './add_to_dataset';
import { AddToQueue } from './add_to_queue';
import { AttachmentsView } from './attachments';
import { FeedbackView } from './feedback';
import { JsonView, LongText } from './json_view';
import { KindMark, StatusMark } from './marks';
import { PayloadView } from './payload';

const bucketNames: Record<string, string> = {
  input: 'Input',
  cache_read: 'Cache reads',
  cache_write: 'Cache writes',
  cache_write_1h: 'Cache writes, 1 h',
  input_audio: 'Audio in',
  output: 'Output',
  reasoning: 'Reasoning',
  output_audio: 'Audio out',
  searches: 'Searches',
  time: 'Milliseconds',
};

/** Dollars for a million tokens: prices as vendors write them. */
const perMillion = (price: number) => money(Number((price * 1e6).toPrecision(12)));

function Provenance({ cost, model }: { cost: Cost; model: string | null }) {
  const prices = useLoaded(
    (signal) => (model ? observe.prices(model, signal) : Promise.resolve({ items: [] })),
    `prices ${model}`,
  );
  const row = prices.value?.items.find((price) => price.price_id === cost.price_id);
  if (cost.source === 'client')
    return (
      <p class="muted">
        As the client told it
        {cost.priced_usd !== undefined && `; by the price table ${money(cost.priced_usd)}`}.
      </p>
    );
  const since = row && Date.parse(row.valid_from) > 0 ? `, since ${time(row.valid_from)}` : '';
  return (
    <p class="muted">
      {row
        ? `Price of ${row.model}: ${row.source === 'own' ? 'own row' : row.source}${since}`
        : 'Price row'}
      {cost.price_id && (
        <>
          {' '}
          <code>{cost.price_id}</code>
        </>
      )}
      , tier {cost.tier}.
    </p>
  );
}

function CostView({ cost, model }: { cost: Cost; model: string | null }) {
  return (
    <section aria-label="Cost" data-testid="run-cost" data-usd={cost.total_usd} class="payload">
      <h3>Cost {exactMoney(cost.total_usd)}</h3>
      {cost.lines.length > 0 && (
        <div class="table slim">
          <table>
            <thead>
              <tr>
                <th scope="col">Tokens of</th>
                <th scope="col" class="number">
                  Count
                </th>
                <th scope="col" class="number">
                  $ / million
                </th>
                <th scope="col" class="number">
                  Cost
                </th>
              </tr>
            </thead>
            <tbody>
              {cost.lines.map((line) => (
                <tr key={line.bucket}>
                  <td>{bucketNames[line.bucket] ?? line.bucket}</td>
                  <td class="number">{count(line.tokens)}</td>
                  <td class="number">{perMillion(line.usd_per_token)}</td>
                  <td class="number">{exactMoney(line.usd)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Provenance cost={cost} model={model} />
    </section>
  );
}

function usageText(usage: Usage): string {
  const parts = [`${count(usage.input_tokens)} in`, `${count(usage.output_tokens)} out`];
  if (usage.cache_read_tokens) parts.push(`${count(usage.cache_read_tokens)} from cache`);
  if (usage.cache_write_tokens) parts.push(`${count(usage.cache_write_tokens)} to cache`);
  if (usage.reasoning_tokens) parts.push(`${count(usage.reasoning_tokens)} reasoning`);
  const audio = usage.input_audio_tokens + usage.output_audio_tokens;
  if (audio) parts.push(`${count(audio)} audio`);
  return parts.join(', ');
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ run }: { run: RunHead }) {
  return (
    <dl class="facts run-facts">
      <Fact name="Latency">
        {run.latency_ms === null ? 'running' : milliseconds(run.latency_ms)}
      </Fact>
      {run.first_token_ms !== null && (
        <Fact name="First token">{milliseconds(run.first_token_ms)}</Fact>
      )}
      {run.model && (
        <Fact name="Model">
          <Link href={`/traces?model=${encodeURIComponent(run.model)}`}>{run.model}</Link>
          {run.provider && <span class="muted"> {run.provider}</span>}
        </Fact>
      )}
      {run.usage && (
        <Fact name="Tokens">
          {usageText(run.usage)}
          {run.usage.source === 'estimated' && <span class="state stale">estimated</span>}
        </Fact>
      )}
      <Fact name="Cost">
        {run.cost ? (
          exactMoney(run.cost.total_usd)
        ) : run.usage ? (
          <span class="state stale">no price</span>
        ) : (
          '–'
        )}
      </Fact>
      <Fact name="Started">
        <time dateTime={run.start_time} title={run.start_time}>
          {time(run.start_time)}
        </time>
      </Fact>
    </dl>
  );
}

function More({ title, value, open = false }: { title: string; value: object; open?: boolean }) {
  const size = Object.keys(value).length;
  const [isOpen, setOpen] = useState(open);
  if (!size) return null;
  return (
    <details class="more-values" open={isOpen} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        {title} ({count(size)})
      </summary>
      {isOpen && <JsonView value={value} />}
    </details>
  );
}

/** A run that was marked for comparison, until another one is. */
const markKey = 'slipway.compare';
const readMark = (): string => {
  try {
    return sessionStorage.getItem(markKey) ?? '';
  } catch {
    return '';
  }
};

function Compare({ run }: { run: RunHead }) {
  const [mark, setMark] = useState(readMark);
  const own = `${run.trace_id}/${run.id}`;
  const choose = () => {
    try {
      sessionStorage.setItem(markKey, own);
    } catch {
      // It then holds until this is closed.
    }
    setMark(own);
  };
  const isOther = mark && mark !== own;
  return (
    <>
      <button type="button" class="quiet small" aria-pressed={mark === own} onClick={choose}>
        {mark === own ? 'Marked to compare' : 'Compare'}
      </button>
      {isOther && (
        <Link
          class="button quiet small"
          href={`/traces/diff?a=${encodeURIComponent(mark)}&b=${encodeURIComponent(own)}`}
        >
          With the marked run
        </Link>
      )}
    </>
  );
}

function Actions({ run }: { run: RunHead }) {
  const [paths, setPaths] = useState<Set<string>>(new Set());
  const [isAdding, setAdding] = useState(false);
  const [isQueueing, setQueueing] = useState(false);
  useEffect(() => void knownPaths().then(setPaths), []);
  const id = encodeURIComponent;
  return (
    <div class="row run-actions">
      <CopyButton text={run.id} label="Copy id" />
      {run.kind === 'llm' && (
        <Link
          class="button quiet small"
          href={`/playground?run=${id(run.id)}&trace=${id(run.trace_id)}`}
        >
          Replay in playground
        </Link>
      )}
      {paths.has('/api/datasets') && (
        <button type="button" class="quiet small" onClick={() => setAdding(true)}>
          Add to dataset
        </button>
      )}
      <button type="button" class="quiet small" onClick={() => setQueueing(true)}>
        Queue for review
      </button>
      <Compare run={run} />
      {isQueueing && <AddToQueue run={run} onClose={() => setQueueing(false)} />}
      {isAdding && <AddToDataset what={{ run }} onClose={() => setAdding(false)} />}
    </div>
  );
}

export function RunDetail({ head }: { head: RunHead }) {
  const run = useLoaded(
    (signal) => observe.run(head.id, head.trace_id, signal),
    `${head.trace_id} ${head.id} ${head.status} ${head.end_time}`, // Anew when it has ended.
  );
  if (!run.value)
    return (
      <div class="run-detail">
        <h2>{head.name}</h2>
        {run.problem ? (
          <ProblemBox problem={run.problem} retry={run.reload} />
        ) : (
          <Waiting lines={6} />
        )}
      </div>
    );
  return <Loaded run={run.value} />;
}

function Loaded({ run }: { run: Run }) {
  return (
    <div class="run-detail" data-testid="run-detail" data-run-id={run.id}>
      <div class="row between">
        <h2>{run.name}</h2>
        <span class="row">
          <KindMark kind={run.kind} />
          <StatusMark status={run.status} />
        </span>
      </div>
      <Actions run={run} />
      <Facts run={run} />
      {run.error && (
        <section aria-label="Error" class="problem" data-testid="run-error">
          <h3>Error</h3>
          <LongText text={run.error} />
        </section>
      )}
      <PayloadView
        title="Inputs"
        which="inputs"
        value={run.inputs}
        run={run.id}
        trace={run.trace_id}
      />
      <PayloadView
        title="Outputs"
        which="outputs"
        value={run.outputs}
        run={run.id}
        trace={run.trace_id}
      />
      <AttachmentsView run={run.id} trace={run.trace_id} />
      {run.cost && <CostView cost={run.cost} model={run.model} />}
      <FeedbackView run={run.id} />
      {run.tags.length > 0 && (
        <p>
          {run.tags.map((tag) => (
            <span key={tag} class="state plain-tag">
              {tag}
            </span>
          ))}
        </p>
      )}
      <More title="Metadata" value={run.metadata} open />
      <More title="Attributes" value={run.attributes} />
      <More title="Events" value={run.events} />
    </div>
  );
}
