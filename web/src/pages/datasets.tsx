// The list of datasets: cases to measure against.
import { useState } from 'preact/hooks';
import { plural, time } from '../format';
import { useLoaded, useSettled, useTitle } from '../hooks';
import { type Dataset, datasetHref, evaluation } from '../evaluation';
import { Empty, FormDialog, InputField, Page, ProblemBox, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { ImportFields, importInto } from '../parts/import_examples';
import { Link, navigate } from '../router';

function DatasetCard({ dataset }: { dataset: Dataset }) {
  return (
    <li class="card collection budget" data-testid="dataset" data-dataset={dataset.name}>
      <h2>
        <Link href={datasetHref(dataset.name)}>{dataset.name}</Link>
      </h2>
      {dataset.description && <p>{dataset.description}</p>}
      <p class="muted">
        {plural(dataset.example_count, 'example')} · {time(dataset.modified_at)}
      </p>
    </li>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [files, setFiles] = useState<File[]>([]);
  const [isMade, setMade] = useState(false);
  const submit = async () => {
    if (!isMade) await evaluation.createDataset({ name: name.trim(), description });
    setMade(true); // It stays, also where the files are not as they should be.
    if (files.length) await importInto(name.trim(), files, '');
    navigate(datasetHref(name.trim()));
  };
  return (
    <FormDialog
      title="New dataset"
      verb="Create"
      isReady={!!name.trim()}
      onSubmit={submit}
      onClose={onClose}
    >
      <InputField
        label="Name"
        value={name}
        required
        maxLength={200}
        pattern="[^\/@]+"
        title="Without / and @"
        autocomplete="off"
        readOnly={isMade}
        onInput={setName}
      />
      <InputField label="What it is for" value={description} onInput={setDescription} />
      <ImportFields onFiles={setFiles} />
    </FormDialog>
  );
}

export function DatasetsPage() {
  useTitle('Datasets');
  const [words, setWords] = useState('');
  const asked = useSettled(words.trim(), 250);
  const list = useLoaded(
    (signal) => evaluation.datasets({ q: asked, limit: 200 }, signal),
    `datasets ${asked}`,
  );
  const [isCreating, setCreating] = useState(false);
  const create = (
    <button type="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New dataset
    </button>
  );
  const items = list.value?.items;
  const isEmpty = items?.length === 0 && !asked;
  return (
    <Page
      title="Datasets"
      lead="Cases with what should come out, in versions that never change: what evaluations measure against."
      actions={items && !isEmpty ? create : null}
    >
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!isEmpty && !list.problem && (
        <InputField
          label="Find a dataset"
          type="search"
          value={words}
          data-shortcut="focus"
          onInput={setWords}
        />
      )}
      {!items && !list.problem && <Waiting lines={5} />}
      {isEmpty && (
        <Empty icon="datasets" title="No datasets yet" action={create}>
          Import a file, add runs from <Link href="/traces">traces</Link>, or push one with the
          LangSmith client or <code>slipway eval dataset</code>.
        </Empty>
      )}
      {items?.length === 0 && asked && <p class="muted">No dataset has this in its name.</p>}
      <ul class="cards">
        {(items ?? []).map((dataset) => (
          <DatasetCard key={dataset.id} dataset={dataset} />
        ))}
      </ul>
      {list.value?.next_cursor && (
        <p class="muted">The youngest 200 are shown; find others by their name.</p>
      )}
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
