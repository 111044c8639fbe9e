// One collection: its documents, what comes in, and its versions.
import { useState } from 'preact/hooks';
import { api, type Collection, type DocumentInfo, type Problem, type Version } from '../api';
import { bytes, count, documentName, plural, time } from '../format';
import { asProblem, useLoaded, useTitle } from '../hooks';
import { Confirm, Empty, InputField, Page, ProblemBox, Tabs, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { Upload } from '../parts/upload';
import { DocumentDrawer, type Target } from '../parts/viewer';
import { Link } from '../router';
import { Migration, splitterName } from './migration';

const pageSize = 50;

function DocumentRow({
  document,
  onOpen,
  onRemove,
}: {
  document: DocumentInfo;
  onOpen: () => void;
  onRemove: () => void;
}) {
  return (
    <tr>
      <td>
        <button type="button" class="link" onClick={onOpen}>
          {documentName(document)}
        </button>
        <span class="muted block">{document.path}</span>
        {document.warnings.length > 0 && (
          <details class="muted">
            <summary>{plural(document.warnings.length, 'remark')}</summary>
            <ul>
              {document.warnings.map((warning) => (
                <li key={warning}>{warning}</li>
              ))}
            </ul>
          </details>
        )}
      </td>
      <td class="muted wide-only media-type">{document.media_type}</td>
      <td class="number wide-only whole">{bytes(document.size_bytes)}</td>
      <td class="number">{count(document.chunks)}</td>
      <td class="muted wide-only whole">{time(document.ingested_at)}</td>
      <td>
        <button
          type="button"
          class="bare"
          aria-label={`Delete ${documentName(document)}`}
          onClick={onRemove}
        >
          <Icon name="trash" />
        </button>
      </td>
    </tr>
  );
}

function Documents({
  name,
  version,
  onChange,
}: {
  name: string;
  version: number;
  onChange: () => void;
}) {
  const [cursors, setCursors] = useState(['']); // Of this page and all before it.
  const [opened, setOpened] = useState<DocumentInfo | null>(null);
  const [removing, setRemoving] = useState<DocumentInfo | null>(null);
  const cursor = cursors[cursors.length - 1]!;
  const list = useLoaded(
    (signal) => api.documents(name, cursor, pageSize, signal),
    `${name}/${version}/${cursor}`,
  );
  const items = list.value?.items ?? [];
  const next = list.value?.next_cursor;
  const target = (document: DocumentInfo): Target => ({
    collection: name,
    document_id: document.id,
    name: documentName(document),
    path: document.path,
    place: null,
  });
  return (
    <section aria-label="Documents">
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={5} />}
      {list.value && items.length === 0 && cursors.length === 1 && (
        <Empty icon="document" title="No documents yet">
          Drop files above, or run <code>slipway ingest FOLDER --collection {name}</code>.
        </Empty>
      )}
      {items.length > 0 && (
        <div class="table">
          <table>
            <caption class="hidden">Documents of {name}</caption>
            <thead>
              <tr>
                <th scope="col">Document</th>
                <th scope="col" class="wide-only">
                  Type
                </th>
                <th scope="col" class="number wide-only">
                  Size
                </th>
                <th scope="col" class="number">
                  Chunks
                </th>
                <th scope="col" class="wide-only">
                  Brought in
                </th>
                <th scope="col">
                  <span class="hidden">Delete</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((document) => (
                <DocumentRow
                  key={document.id}
                  document={document}
                  onOpen={() => setOpened(document)}
                  onRemove={() => setRemoving(document)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(cursors.length > 1 || next) && (
        <nav class="row between" aria-label="Pages of documents">
          <button
            type="button"
            class="quiet small"
            disabled={cursors.length === 1}
            onClick={() => setCursors(cursors.slice(0, -1))}
          >
            Previous
          </button>
          <span class="muted">Page {cursors.length}</span>
          <button
            type="button"
            class="quiet small"
            disabled={!next}
            onClick={() => next && setCursors([...cursors, next])}
          >
            Next
          </button>
        </nav>
      )}
      {opened && <DocumentDrawer target={target(opened)} onClose={() => setOpened(null)} />}
      {removing && (
        <Confirm
          title={`Delete ${documentName(removing)}?`}
          verb="Delete"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await api.removeDocument(name, removing.id);
            onChange();
          }}
        >
          It is erased from every version, the index, caches and receipts. This cannot be undone.
        </Confirm>
      )}
    </section>
  );
}

function VersionRow({ version, onDrop }: { version: Version; onDrop: (name: string) => void }) {
  return (
    <tr>
      <td class="number">{version.version}</td>
      <td>
        {version.is_current && <span class="state valid">current</span>}
        {version.names.map((name) => (
          <span class="tag" key={name}>
            {name}
            <button
              type="button"
              class="bare"
              aria-label={`Drop snapshot ${name}`}
              onClick={() => onDrop(name)}
            >
              <Icon name="close" />
            </button>
          </span>
        ))}
        {version.receipts.length > 0 && (
          <span class="muted">{plural(version.receipts.length, 'pinned receipt')}</span>
        )}
      </td>
      <td class="number">{count(version.documents)}</td>
      <td class="number wide-only">{count(version.chunks)}</td>
      <td class="muted wide-only">{time(version.created_at)}</td>
    </tr>
  );
}

function Versions({ name, version }: { name: string; version: number }) {
  const [round, setRound] = useState(0);
  const list = useLoaded((signal) => api.versions(name, signal), `${name}/${version}/${round}`);
  const [label, setLabel] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const act = async (action: () => Promise<unknown>) => {
    setProblem(null);
    try {
      await action();
      setLabel('');
      setRound((n) => n + 1);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <section aria-label="Versions" class="stack">
      <ProblemBox problem={list.problem ?? problem} />
      {list.value && (
        <>
          <p class="muted">
            Versions {list.value.oldest} to {list.value.current} can be searched. A snapshot keeps
            one for as long as you like.
          </p>
          <form
            class="row"
            onSubmit={(event) => {
              event.preventDefault();
              void act(() => api.snapshot(name, label));
            }}
          >
            <InputField
              label="Keep the current version as"
              class="grow"
              value={label}
              placeholder="before-the-move"
              maxLength={64}
              autocomplete="off"
              onInput={setLabel}
            />
            <button type="submit" disabled={!label}>
              Keep
            </button>
          </form>
          <div class="table">
            <table>
              <caption class="hidden">Versions of {name}</caption>
              <thead>
                <tr>
                  <th scope="col" class="number">
                    Version
                  </th>
                  <th scope="col">Kept as</th>
                  <th scope="col" class="number">
                    Documents
                  </th>
                  <th scope="col" class="number wide-only">
                    Chunks
                  </th>
                  <th scope="col" class="wide-only">
                    Since
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.value.items.map((item) => (
                  <VersionRow
                    key={item.version}
                    version={item}
                    onDrop={(snapshot) => void act(() => api.dropVersion(name, snapshot))}
                  />
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
      {!list.value && !list.problem && <Waiting lines={4} />}
    </section>
  );
}

/** What a question uses where it says nothing. */
const usual: Record<string, string> = {
  search: 'Searched by',
  fusion: 'Fused by',
  dense_weight: 'Weight of meaning',
  prompt: 'Prompt',
  answer: 'Answers',
  answer_model: 'Answered by',
};

function Facts({ collection }: { collection: Collection }) {
  const facts = [
    ['Documents', count(collection.documents)],
    ['Chunks', count(collection.chunks)],
    ['Version', count(collection.index_version)],
    ['Embedder', collection.embedder],
    ['Splitter', splitterName(collection.splitter)],
    ['Reranker', collection.reranker ?? 'none'],
    ['Language', collection.language],
  ];
  // The reranker has a place of its own.
  for (const [name, value] of Object.entries(collection.defaults ?? {}))
    if (value !== null && value !== '' && usual[name]) facts.push([usual[name], String(value)]);
  return (
    <dl class="facts">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function CollectionPage({ name }: { name: string }) {
  useTitle(name);
  const [tab, setTab] = useState<'documents' | 'versions' | 'migration'>('documents');
  const loaded = useLoaded((signal) => api.collection(name, signal), name);
  const [round, setRound] = useState(0);
  const refresh = () => {
    setRound((n) => n + 1);
    loaded.reload();
  };
  const back = (
    <Link href="/collections" class="button quiet">
      <Icon name="back" /> All collections
    </Link>
  );
  return (
    <Page title={name} actions={back}>
      <ProblemBox problem={loaded.problem} retry={loaded.reload} />
      {!loaded.value && !loaded.problem && <Waiting lines={4} />}
      {loaded.value && (
        <>
          <Facts collection={loaded.value} />
          <Upload collection={name} onDone={refresh} />
          <Tabs
            label="Parts of the collection"
            value={tab}
            options={[
              ['documents', 'Documents'],
              ['versions', 'Versions'],
              ['migration', 'Migration'],
            ]}
            onChange={setTab}
          />
          {tab === 'documents' && (
            <Documents
              key={`${name}/${round}`}
              name={name}
              version={loaded.value.index_version}
              onChange={refresh}
            />
          )}
          {tab === 'versions' && <Versions name={name} version={loaded.value.index_version} />}
          {tab === 'migration' && <Migration collection={loaded.value} onChange={refresh} />}
        </>
      )}
    </Page>
  );
}
