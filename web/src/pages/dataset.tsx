// One dataset: its examples in any version, what changed between two versions, the experiments over it.
import { useState } from 'preact/hooks';
import { count, plural, time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import { type DatasetDetails, type Example, evaluation } from '../evaluation';
import {
  AreaField,
  Confirm,
  Empty,
  FormDialog,
  InputField,
  Page,
  ProblemBox,
  Tabs,
  Waiting,
} from '../parts/common';
import { DatasetVersions } from '../parts/dataset_versions';
import { EvaluationList } from '../parts/evaluation_list';
import { ExampleEditor } from '../parts/example_editor';
import { firstWords } from '../parts/example_text';
import { ExampleView } from '../parts/example_view';
import { Icon } from '../parts/icons';
import { ImportDialog } from '../parts/import_examples';
import { ListDetail } from '../parts/list_detail';
import { type PageQuery, usePageQuery } from '../parts/marks';
import { useMore } from '../parts/more';
import { Link, navigate } from '../router';

const tabs = [
  ['examples', 'Examples'],
  ['versions', 'Versions'],
  ['experiments', 'Experiments'],
] as const;
type Tab = (typeof tabs)[number][0];

function ExampleRow({
  example,
  isOpen,
  onOpen,
}: {
  example: Example;
  isOpen: boolean;
  onOpen: () => void;
}) {
  const severity = example.metadata.severity === 'critical';
  return (
    <tr
      class={`trace-row ${isOpen ? 'is-open' : ''}`}
      data-testid="example-row"
      data-example-id={example.id}
      onClick={(event) => {
        if ((event.target as Element).closest('a, button') || getSelection()?.toString()) return;
        onOpen();
      }}
    >
      <td>
        <button type="button" class="link plain-link" onClick={onOpen}>
          {firstWords(example.inputs) || 'no input'}
        </button>
        {example.outputs && <p class="preview muted">{firstWords(example.outputs)}</p>}
      </td>
      <td class="wide-only splits">
        {severity && <span class="state gone plain-tag">critical</span>}
        {example.splits.map((split) => (
          <span key={split} class="state plain-tag">
            {split}
          </span>
        ))}
      </td>
    </tr>
  );
}

function Examples({
  dataset,
  at,
  page,
  round,
  onChange,
}: {
  dataset: DatasetDetails;
  at: string;
  page: PageQuery;
  round: number;
  onChange: () => void;
}) {
  const split = page.get('split');
  const chosen = page.get('example');
  const [open, setOpen] = useState<'add' | 'import' | null>(null);
  const list = useMore(
    (cursor, signal) => evaluation.examples(dataset.name, at, { split, cursor }, signal),
    `examples ${dataset.name} ${at} ${split} ${round}`,
  );
  const buttons = !at && (
    <>
      <button type="button" class="quiet small" onClick={() => setOpen('add')}>
        <Icon name="plus" /> Add
      </button>
      <button type="button" class="quiet small" onClick={() => setOpen('import')}>
        <Icon name="upload" /> Import
      </button>
    </>
  );
  return (
    <div class="stack tight">
      <div class="row between">
        <div class="chips" role="group" aria-label="Splits">
          {dataset.splits.length > 1 &&
            ['', ...dataset.splits].map((one) => (
              <button
                key={one}
                type="button"
                class="chip"
                aria-pressed={split === one}
                onClick={() => page.set({ split: one, example: null }, 'replace')}
              >
                {one || 'All splits'}
              </button>
            ))}
        </div>
        <div class="row">{buttons}</div>
      </div>
      <ListDetail
        list={list}
        caption="Examples"
        head={
          <>
            <th scope="col">Input</th>
            <th scope="col" class="wide-only">
              Splits
            </th>
          </>
        }
        empty={
          <Empty icon="datasets" title={split ? 'No example in this split' : 'No examples yet'}>
            Add one, import a file, or take runs from <Link href="/traces">traces</Link>.
          </Empty>
        }
        chosen={chosen}
        onChoose={(example) => page.set({ example }, 'replace')}
        row={(example) => (
          <ExampleRow
            key={example.id}
            example={example}
            isOpen={example.id === chosen}
            onOpen={() => page.set({ example: example.id }, 'replace')}
          />
        )}
        detail={
          chosen && (
            <ExampleView
              key={`${chosen} ${round}`}
              dataset={dataset.name}
              at={at}
              id={chosen}
              known={list.items.find((one) => one.id === chosen)}
              onChange={onChange}
              onClose={() => page.set({ example: null }, 'replace')}
            />
          )
        }
      />
      {open === 'add' && (
        <ExampleEditor
          dataset={dataset.name}
          onDone={onChange}
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'import' && (
        <ImportDialog
          dataset={dataset.name}
          onDone={onChange}
          onClose={() => setOpen(null)}
        />
      )}
    </div>
  );
}

function EditDialog({
  dataset,
  onDone,
  onClose,
}: {
  dataset: DatasetDetails;
  onDone: (name: string) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(dataset.name);
  const [description, setDescription] = useState(dataset.description ?? '');
  const submit = async () => {
    const made = await evaluation.changeDataset(dataset.name, { name, description });
    onDone(made.name);
    onClose();
  };
  return (
    <FormDialog
      title="Name and description"
      verb="Save"
      isReady={!!name.trim()}
      onSubmit={submit}
      onClose={onClose}
    >
      <InputField
        label="Name"
        value={name}
        required
        pattern="[^\/@]+"
        title="Without / and @"
        onInput={setName}
      />
      <AreaField label="What it is for" rows={3} value={description} onInput={setDescription} />
    </FormDialog>
  );
}

function Actions({ dataset, onOpen }: { dataset: DatasetDetails; onOpen: (what: Open) => void }) {
  return (
    <div class="row">
      {dataset.example_count > 0 && (
        <Link
          class="button"
          href={`/evaluations/new?dataset=${encodeURIComponent(dataset.name)}`}
        >
          <Icon name="playground" /> Evaluate
        </Link>
      )}
      <button type="button" class="quiet" onClick={() => onOpen('edit')}>
        Edit
      </button>
      <button type="button" class="quiet" onClick={() => onOpen('remove')}>
        <Icon name="trash" /> Delete
      </button>
    </div>
  );
}

type Open = 'edit' | 'remove' | null;

function Head({ dataset, at, page }: { dataset: DatasetDetails; at: string; page: PageQuery }) {
  return (
    <div class="trace-head">
      <span>
        <strong>{count(dataset.example_count)}</strong>{' '}
        <span class="muted">{dataset.example_count === 1 ? 'example' : 'examples'}</span>
      </span>
      {dataset.version && (
        <span>
          <span class="muted">version</span> {at || time(dataset.version.version)}
        </span>
      )}
      {dataset.digest && (
        <span title={dataset.digest}>
          <span class="muted">content</span> <code>{dataset.digest.slice(7, 19)}</code>
        </span>
      )}
      {at && (
        <button
          type="button"
          class="quiet small"
          onClick={() => page.set({ at: null, example: null })}
        >
          Back to the current version
        </button>
      )}
      {dataset.example_count > 0 && (
        <>
          <a href={evaluation.exportPath(dataset.name, at, 'jsonl')} download>
            JSON Lines
          </a>
          <a href={evaluation.exportPath(dataset.name, at, 'csv')} download>
            CSV
          </a>
        </>
      )}
    </div>
  );
}

export function DatasetPage({ name }: { name: string }) {
  useTitle(name);
  const page = usePageQuery();
  const at = page.get('at');
  const tab = (tabs.find(([one]) => one === page.get('tab'))?.[0] ?? 'examples') as Tab;
  const [round, setRound] = useState(0);
  const dataset = useLoaded(
    (signal) => evaluation.dataset(name, at, signal),
    `dataset ${name} ${at}`,
  );
  const [open, setOpen] = useState<Open>(null);
  const one = dataset.value;
  const changed = () => {
    setRound((n) => n + 1);
    dataset.reload();
  };
  return (
    <Page
      title={name}
      isWide
      lead={
        <>
          <Link href="/datasets">All datasets</Link>
          {one?.description && ` · ${one.description}`}
        </>
      }
      actions={one && <Actions dataset={one} onOpen={setOpen} />}
    >
      <ProblemBox problem={dataset.problem} retry={dataset.reload} />
      {!one && !dataset.problem && <Waiting lines={6} />}
      {one && <Head dataset={one} at={at} page={page} />}
      {one && (
        <Tabs
          label="Of this dataset"
          value={tab}
          options={tabs}
          onChange={(next) => page.set({ tab: next === 'examples' ? null : next })}
        />
      )}
      {one && tab === 'examples' && (
        <Examples dataset={one} at={at} page={page} round={round} onChange={changed} />
      )}
      {one && tab === 'versions' && (
        <DatasetVersions dataset={one} round={round} onChange={changed} />
      )}
      {one && tab === 'experiments' && <EvaluationList dataset={one.name} />}
      {open === 'edit' && one && (
        <EditDialog
          dataset={one}
          onDone={(next) =>
            next === name ? changed() : navigate(`/datasets/${encodeURIComponent(next)}`, 'replace')
          }
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'remove' && one && (
        <Confirm
          title={`Delete ${one.name}?`}
          word={one.name}
          verb="Delete"
          onClose={() => setOpen(null)}
          onConfirm={async () => {
            await evaluation.removeDataset(one.name);
            navigate('/datasets', 'replace');
          }}
        >
          All versions with {plural(one.example_count, 'example')} are gone. Results of evaluations
          stay.
        </Confirm>
      )}
    </Page>
  );
}
