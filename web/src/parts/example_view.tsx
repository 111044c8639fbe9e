// One example of a dataset, whole.
import { useState } from 'preact/hooks';
import { bytes, time } from '../format';
import { useLoaded } from '../hooks';
import { evaluation, type Example } from '../evaluation';
import { Link } from '../router';
import { Confirm, CopyButton, ProblemBox, Waiting } from './common';
import { ExampleEditor } from './example_editor';
import { Icon } from './icons';
import { JsonView, LongText } from './json_view';
import { messagesOf } from './messages';
import { MessageView } from './payload';

/** A text alone as it stands, a conversation as such, texts of an object below their names, else a tree. */
export function Values({ title, value }: { title: string; value: Record<string, unknown> | null }) {
  const messages = value ? messagesOf(value) : null;
  const entries = Object.entries(value ?? {});
  const areTexts = entries.every(([, one]) => typeof one === 'string');
  return (
    <section aria-label={title} class="payload">
      <h3>{title}</h3>
      {!value && <p class="muted">None.</p>}
      {value && messages && (
        <ol class="messages">
          {messages.map((message, i) => (
            <MessageView key={i} message={message} />
          ))}
        </ol>
      )}
      {value && !messages && areTexts && entries.length <= 6
        ? entries.map(([name, text]) => (
            <div key={name}>
              <p class="message-role">{name}</p>
              <LongText text={text as string} />
            </div>
          ))
        : value && !messages && <JsonView value={value} />}
    </section>
  );
}

function Loaded({
  example,
  dataset,
  isOld,
  onChange,
  onClose,
}: {
  example: Example;
  dataset: string;
  isOld: boolean;
  onChange: () => void;
  onClose: () => void;
}) {
  const [open, setOpen] = useState<'edit' | 'remove' | null>(null);
  const { dataset_split: _, ...metadata } = example.metadata;
  const trace = metadata.trace_id;
  return (
    <>
      <div class="row">
        {!isOld && (
          <>
            <button type="button" class="quiet small" onClick={() => setOpen('edit')}>
              Edit
            </button>
            <button type="button" class="quiet small" onClick={() => setOpen('remove')}>
              <Icon name="trash" /> Remove
            </button>
          </>
        )}
        <CopyButton text={example.id} label="Copy id" />
        {typeof trace === 'string' && (
          <Link
            class="button quiet small"
            href={`/traces/${encodeURIComponent(trace)}${example.source_run_id ? `?run=${encodeURIComponent(example.source_run_id)}` : ''}`}
          >
            Its trace
          </Link>
        )}
      </div>
      <Values title="Inputs" value={example.inputs} />
      <Values title="Expected outputs" value={example.outputs} />
      {Object.keys(metadata).length > 0 && (
        <section aria-label="Metadata" class="payload">
          <h3>Metadata</h3>
          <JsonView value={metadata} />
        </section>
      )}
      {example.attachments.length > 0 && (
        <section aria-label="Attachments" class="payload">
          <h3>Attachments</h3>
          <ul>
            {example.attachments.map((one) => (
              <li key={one.name}>
                <a href={new URL(one.url).pathname} download={one.name}>
                  {one.name}
                </a>{' '}
                <span class="muted">
                  {one.media_type}, {bytes(one.size_bytes)}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p class="muted">
        {example.splits.map((split) => (
          <span key={split} class="state plain-tag">
            {split}
          </span>
        ))}
        since version {time(example.version)}
      </p>
      {open === 'edit' && (
        <ExampleEditor
          dataset={dataset}
          example={example}
          onDone={onChange}
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'remove' && (
        <Confirm
          title="Remove this example?"
          verb="Remove"
          onClose={() => setOpen(null)}
          onConfirm={async () => {
            await evaluation.removeExample(dataset, example.id);
            onClose();
            onChange();
          }}
        >
          It is in no version from now on. Versions before keep it.
        </Confirm>
      )}
    </>
  );
}

export function ExampleView({
  dataset,
  at,
  id,
  known,
  onChange,
  onClose,
}: {
  dataset: string;
  at: string;
  id: string;
  known?: Example; // As a list has it.
  onChange: () => void;
  onClose: () => void;
}) {
  const asked = useLoaded(
    (signal) => (known ? Promise.resolve(known) : evaluation.example(dataset, at, id, signal)),
    `example ${dataset} ${at} ${id} ${known?.version ?? ''}`,
  );
  const example = known ?? asked.value;
  return (
    <aside class="trace-detail run-detail" aria-label="Example" data-testid="example-detail">
      <div class="row between">
        <h2>
          Example <code>{id.slice(0, 8)}</code>
        </h2>
        <button type="button" class="bare" aria-label="Close the example" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {!example &&
        (asked.problem ? (
          <ProblemBox problem={asked.problem} retry={asked.reload} />
        ) : (
          <Waiting lines={5} />
        ))}
      {example && (
        <Loaded
          example={example}
          dataset={dataset}
          isOld={at !== ''}
          onChange={onChange}
          onClose={onClose}
        />
      )}
    </aside>
  );
}
