// The versions of a dataset: named, read as they were, and what changed between two of them.
import { useState } from 'preact/hooks';
import { plural, time } from '../format';
import { useLoaded } from '../hooks';
import { type DatasetDetails, type DatasetVersion, evaluation } from '../evaluation';
import { Empty, FormDialog, InputField, ProblemBox, Waiting } from './common';
import { diff } from './diff';
import { readable } from './example_text';
import { ShowMore } from './list_detail';
import { usePageQuery } from './marks';
import { useMore } from './more';
import { Pieces } from './pieces';

const shownMax = 20; // Changed examples that are fetched at first.

/** An example of both versions as one text, with what is gone and what is new. */
function Change({
  dataset,
  id,
  from,
  to,
}: {
  dataset: string;
  id: string;
  from: string | null; // null: it is not in that version.
  to: string | null;
}) {
  const pair = useLoaded(
    async (signal) => {
      const side = async (at: string | null) =>
        at === null ? null : evaluation.example(dataset, at, id, signal);
      return Promise.all([side(from), side(to)]);
    },
    `${dataset} ${id} ${from} ${to}`,
  );
  const textOf = (side: number) => {
    const example = pair.value?.[side];
    if (!example) return '';
    const { dataset_split: _, ...metadata } = example.metadata;
    const parts = [readable(example.inputs), readable(example.outputs)];
    if (Object.keys(metadata).length) parts.push(JSON.stringify(metadata));
    return `${parts.join('\n→ ')}\n[${example.splits.join(', ')}]`;
  };
  const kind = from === null ? 'added' : to === null ? 'removed' : 'modified';
  const look = { added: 'valid', removed: 'gone', modified: 'stale' }[kind];
  return (
    <li class="card stack tight" data-testid="example-change" data-kind={kind}>
      <p>
        <span class={`state ${look}`}>{kind}</span> <code>{id.slice(0, 8)}</code>
      </p>
      <ProblemBox problem={pair.problem} retry={pair.reload} />
      {!pair.value && !pair.problem && <Waiting lines={2} />}
      {pair.value && (
        <div class="diff-side">
          <Pieces pieces={diff(textOf(0), textOf(1))} />
        </div>
      )}
    </li>
  );
}

function Difference({ dataset, from, to }: { dataset: string; from: string; to: string }) {
  const [shown, setShown] = useState(shownMax);
  const found = useLoaded(
    (signal) => evaluation.diff(dataset, from, to, signal),
    `diff ${dataset} ${from} ${to}`,
  );
  const d = found.value;
  const all = d
    ? [
        ...d.modified.map((id) => ({ id, from, to })),
        ...d.added.map((id) => ({ id, from: null, to })),
        ...d.removed.map((id) => ({ id, from, to: null })),
      ]
    : [];
  return (
    <section class="stack tight" aria-label="What changed" data-testid="dataset-diff">
      <ProblemBox problem={found.problem} retry={found.reload} />
      {!d && !found.problem && <Waiting lines={4} />}
      {d && (
        <p role="status">
          {plural(d.added.length, 'example')} added, {d.modified.length} changed, {d.removed.length}{' '}
          removed since then.
        </p>
      )}
      <ul class="stack tight">
        {all.slice(0, shown).map((one) => (
          <Change key={one.id} dataset={dataset} {...one} />
        ))}
      </ul>
      {all.length > shown && (
        <div class="row more">
          <button type="button" class="quiet" onClick={() => setShown(shown + shownMax)}>
            Show more
          </button>
        </div>
      )}
    </section>
  );
}

function TagDialog({
  dataset,
  version,
  onDone,
  onClose,
}: {
  dataset: string;
  version: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const [tag, setTag] = useState('');
  return (
    <FormDialog
      title="Name this version"
      verb="Save"
      isReady={!!tag.trim()}
      onSubmit={async () => {
        await evaluation.tag(dataset, tag.trim(), version);
        onDone();
        onClose();
      }}
      onClose={onClose}
    >
      <InputField
        label="Name"
        hint="One that stands at another version moves here"
        value={tag}
        required
        maxLength={256}
        autocomplete="off"
        onInput={setTag}
      />
    </FormDialog>
  );
}

function Versions({
  versions,
  chosen,
  onChoose,
}: {
  versions: DatasetVersion[];
  chosen: string;
  onChoose: (version: string) => void;
}) {
  return (
    <ol class="versions" aria-label="Versions, the last one first">
      {versions.map((one, i) => (
        <li key={one.version}>
          <button
            type="button"
            class="version-row no-number"
            data-testid="dataset-version"
            aria-current={one.version === chosen ? 'true' : undefined}
            onClick={() => onChoose(one.version)}
          >
            <span>
              {time(one.version)}
              {i === 0 && <span class="muted block">current</span>}
            </span>
            <span>
              {one.tags
                .filter((tag) => tag !== 'latest')
                .map((tag) => (
                  <span key={tag} class="state valid plain-tag">
                    {tag}
                  </span>
                ))}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function DatasetVersions({
  dataset,
  round,
  onChange,
}: {
  dataset: DatasetDetails;
  round: number;
  onChange: () => void;
}) {
  const page = usePageQuery();
  const list = useMore(
    (cursor, signal) => evaluation.versions(dataset.name, cursor, signal),
    `versions ${dataset.name} ${round}`,
  );
  const [isNaming, setNaming] = useState(false);
  const chosen = page.get('version') || list.items[0]?.version || '';
  const at = list.items.findIndex((one) => one.version === chosen);
  const from = page.get('since') || list.items[at + 1]?.version || '';
  return (
    <>
      <ProblemBox problem={list.problem} retry={list.reload} />
      {list.isFirst && <Waiting lines={5} />}
      {!list.isFirst && !list.problem && list.items.length === 0 && (
        <Empty icon="datasets" title="No version yet">
          The first examples make the first version.
        </Empty>
      )}
      {chosen && (
        <div class="prompt-body">
          <div class="stack tight">
            <Versions
              versions={list.items}
              chosen={chosen}
              onChoose={(version) => page.set({ version, since: null }, 'replace')}
            />
            <ShowMore list={list} />
          </div>
          <section class="stack" aria-label="The chosen version">
            <div class="row between">
              <h2>{time(chosen)}</h2>
              <div class="row">
                <select
                  aria-label="Compare with"
                  class="compare-with"
                  value={from}
                  onChange={(event) => page.set({ since: event.currentTarget.value }, 'replace')}
                >
                  {!from && <option value="">Compare with…</option>}
                  {list.items
                    .filter((one) => one.version !== chosen)
                    .map((one) => (
                      <option key={one.version} value={one.version}>
                        {[time(one.version), ...one.tags.filter((t) => t !== 'latest')].join(' · ')}
                      </option>
                    ))}
                </select>
                <button type="button" class="quiet small" onClick={() => setNaming(true)}>
                  Name it
                </button>
                <button
                  type="button"
                  class="quiet small"
                  onClick={() => page.set({ tab: null, at: chosen, version: null, since: null })}
                >
                  Its examples
                </button>
              </div>
            </div>
            {from ? (
              <Difference key={`${from} ${chosen}`} dataset={dataset.name} from={from} to={chosen} />
            ) : (
              <p class="muted">It is the first one: all its examples were added here.</p>
            )}
          </section>
        </div>
      )}
      {isNaming && (
        <TagDialog
          dataset={dataset.name}
          version={chosen}
          onDone={() => {
            list.reload();
            onChange();
          }}
          onClose={() => setNaming(false)}
        />
      )}
    </>
  );
}
