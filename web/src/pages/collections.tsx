// All collections, and how a new one comes into being.
import { useState } from 'preact/hooks';
import { api, type Collection } from '../api';
import { count, plural, time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import {
  Confirm,
  Empty,
  Field,
  FormDialog,
  InputField,
  Page,
  ProblemBox,
  Waiting,
} from '../parts/common';
import { Icon } from '../parts/icons';
import { firstCut, SplitterFields } from '../parts/splitter';
import { Link, navigate } from '../router';

const namePattern = /^[a-z0-9][a-z0-9._-]*$/i;

function CreateDialog({
  onClose,
  onCreated,
}: {
  onClose: () => void;
  onCreated: (name: string) => void;
}) {
  const models = useLoaded((signal) => api.models(signal), 'models');
  const [name, setName] = useState('');
  const [embedder, setEmbedder] = useState('');
  const [cut, setCut] = useState(firstCut);
  const embedders = (models.value ?? []).filter((model) => model.task === 'embed');
  const nameError =
    name && !namePattern.test(name) ? 'Letters, digits, dots, dashes and underscores' : null;
  const create = async () => {
    const settings: Record<string, unknown> = { splitter: cut };
    if (embedder) settings.embedder = embedder;
    await api.createCollection(name, settings);
    onCreated(name);
  };
  return (
    <FormDialog
      title="New collection"
      verb="Create"
      cancel="Cancel"
      isReady={!!name && !nameError}
      onSubmit={create}
      onClose={onClose}
    >
      <InputField
        label="Name"
        error={nameError}
        hint="Such as handbook; it cannot be changed later"
        value={name}
        required
        maxLength={64}
        autocomplete="off"
        onInput={setName}
      />
      <Field label="Embedder" hint="The model that compares by meaning">
        {(attributes) => (
          <select
            {...attributes}
            value={embedder}
            onChange={(event) => setEmbedder(event.currentTarget.value)}
          >
            <option value="">The default</option>
            {embedders.map((model) => (
              <option key={model.name}>{model.name}</option>
            ))}
          </select>
        )}
      </Field>
      <SplitterFields cut={cut} onChange={setCut} />
    </FormDialog>
  );
}

function CollectionCard({
  collection,
  onRemove,
}: {
  collection: Collection;
  onRemove: () => void;
}) {
  const { name } = collection;
  return (
    <li class="card collection">
      <h2>
        <Link href={`/collections/${encodeURIComponent(name)}`}>{name}</Link>
      </h2>
      <p>
        {plural(collection.documents, 'document')} · {plural(collection.chunks, 'chunk')}
      </p>
      <p class="muted">
        {collection.embedder} · {collection.splitter.kind} {count(collection.splitter.chunk_size)}
        {collection.reranker && ` · ${collection.reranker}`}
      </p>
      <p class="muted">
        Version {collection.index_version} · since {time(collection.created_at)}
      </p>
      <button type="button" class="bare corner" aria-label={`Delete ${name}`} onClick={onRemove}>
        <Icon name="trash" />
      </button>
    </li>
  );
}

export function CollectionsPage() {
  useTitle('Collections');
  const list = useLoaded((signal) => api.collections(signal), 'collections');
  const [isCreating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<Collection | null>(null);
  const open = (name: string) => navigate(`/collections/${encodeURIComponent(name)}`);
  const create = (
    <button type="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New collection
    </button>
  );
  return (
    <Page
      title="Collections"
      lead="Documents, their index, and the settings they were brought in with."
      actions={list.value?.length ? create : null}
    >
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={4} />}
      {list.value?.length === 0 && (
        <Empty icon="collections" title="No collection yet" action={create}>
          A collection holds documents that are asked together. Make one, then drop files on it.
        </Empty>
      )}
      <ul class="cards">
        {list.value?.map((collection) => (
          <CollectionCard
            key={collection.name}
            collection={collection}
            onRemove={() => setRemoving(collection)}
          />
        ))}
      </ul>
      {isCreating && <CreateDialog onClose={() => setCreating(false)} onCreated={open} />}
      {removing && (
        <Confirm
          title={`Delete ${removing.name}?`}
          word={removing.name}
          verb="Delete"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await api.removeCollection(removing.name);
            list.reload();
          }}
        >
          {plural(removing.documents, 'document')} and their index are erased, in every version.
          This cannot be undone.
        </Confirm>
      )}
    </Page>
  );
}
