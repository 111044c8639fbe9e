// The models that are there, and the keys that open this server.
import { useState } from 'preact/hooks';
import { api, type Key, type Model } from '../api';
import { bytes, plural, time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import {
  Confirm,
  CopyButton,
  Dialog,
  Empty,
  Field,
  FormDialog,
  InputField,
  Page,
  ProblemBox,
  Waiting,
} from '../parts/common';
import { Icon } from '../parts/icons';

const tasks = { embed: 'Embedders', chat: 'Chat models', rerank: 'Rerankers' } as const;
const stateClass: Record<string, string> = {
  installed: 'valid',
  configured: 'valid',
  available: '',
  damaged: 'gone',
};

function ModelGroup({ task, models }: { task: keyof typeof tasks; models: Model[] }) {
  if (!models.length) return null;
  return (
    <section aria-label={tasks[task]}>
      <h2>{tasks[task]}</h2>
      <ul class="cards">
        {models.map((model) => (
          <li key={model.name} class="card">
            <h3>
              {model.name}{' '}
              <span class={`state ${stateClass[model.state] ?? ''}`}>{model.state}</span>
            </h3>
            {model.description && <p>{model.description}</p>}
            <p class="muted">
              {[model.provider, model.size_bytes > 0 && bytes(model.size_bytes), model.licence]
                .filter(Boolean)
                .join(' · ')}
            </p>
            {model.state === 'available' && (
              <p class="muted">
                <code>slipway models pull {model.name}</code>
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function CreateKey({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState('write');
  const [models, setModels] = useState('');
  const [expires, setExpires] = useState('');
  const [secret, setSecret] = useState('');
  const create = async () => {
    const names = models.split(/[\s,]+/).filter(Boolean);
    setSecret((await api.createKey({ name, roles: [role], models: names, expires })).secret);
  };
  // The list is asked for again only then: the first key closes the door to this page, too, and a secret that nobody has
  // read would be lost.
  const done = () => {
    onCreated();
    onClose();
  };
  if (secret)
    return (
      <Dialog title={`Key ${name}`} onClose={done}>
        <div class="stack">
          <p>Copy it now: it is not shown again, and only its hash is kept.</p>
          <output class="secret" data-testid="secret">
            {secret}
          </output>
          <div class="row between">
            <CopyButton text={secret} label="Copy the key" />
            <button type="button" onClick={done}>
              I have it
            </button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <FormDialog
      title="New key"
      verb="Create"
      cancel="Cancel"
      isReady={!!name}
      onSubmit={create}
      onClose={onClose}
    >
      <InputField
        label="Name"
        hint="Who or what uses it"
        value={name}
        required
        maxLength={64}
        autocomplete="off"
        onInput={setName}
      />
      <Field
        label="Role"
        hint="Read: see. Write: also spend and change documents. Admin: also settings, keys, deletion of collections."
      >
        {(attributes) => (
          <select
            {...attributes}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value)}
          >
            <option value="read">Read</option>
            <option value="write">Write</option>
            <option value="admin">Admin</option>
          </select>
        )}
      </Field>
      <InputField
        label="Models"
        hint="Names with commas between; empty: all"
        value={models}
        autocomplete="off"
        spellcheck={false}
        onInput={setModels}
      />
      <InputField
        label="Expires"
        hint="Empty: never"
        type="date"
        value={expires}
        onInput={setExpires}
      />
    </FormDialog>
  );
}

function limitText(key: Key): string {
  const { requests, tokens, concurrent } = key.limits;
  return [
    requests && `${requests} requests`,
    tokens && `${tokens} tokens`,
    concurrent > 0 && `${concurrent} at once`,
  ]
    .filter(Boolean)
    .join(', ');
}

function KeyRow({ item, onRevoke }: { item: Key; onRevoke: () => void }) {
  return (
    <tr>
      <td>
        <strong>{item.name}</strong> <code class="muted">{item.hint}</code>
        {limitText(item) && <span class="muted block">{limitText(item)}</span>}
      </td>
      <td>{item.role}</td>
      <td class="wide-only">{item.models.length ? item.models.join(', ') : 'all'}</td>
      <td class="wide-only">{item.expires ? time(item.expires) : 'never'}</td>
      <td class="wide-only">{item.last_used_at ? time(item.last_used_at) : 'not yet'}</td>
      <td>
        <button type="button" class="bare" aria-label={`Revoke ${item.name}`} onClick={onRevoke}>
          <Icon name="trash" />
        </button>
      </td>
    </tr>
  );
}

function Keys() {
  const list = useLoaded((signal) => api.keys(signal), 'keys');
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const create = (
    <button type="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New key
    </button>
  );
  return (
    <section aria-labelledby="keys-title">
      <div class="row between">
        <h2 id="keys-title">Keys</h2>
        {list.value?.length ? create : null}
      </div>
      {list.problem?.status === 403 ? (
        <p class="muted">Only an admin key may see and make keys.</p>
      ) : (
        <ProblemBox problem={list.problem} retry={list.reload} />
      )}
      {!list.value && !list.problem && <Waiting lines={2} />}
      {list.value?.length === 0 && (
        <Empty icon="key" title="No keys: only this machine may call" action={create}>
          The first key closes the door: from then on every request must show one.
        </Empty>
      )}
      {!!list.value?.length && (
        <div class="table">
          <table>
            <caption class="hidden">{plural(list.value.length, 'key')}</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col" class="wide-only">
                  Models
                </th>
                <th scope="col" class="wide-only">
                  Expires
                </th>
                <th scope="col" class="wide-only">
                  Used
                </th>
                <th scope="col">
                  <span class="hidden">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.value.map((item) => (
                <KeyRow key={item.name} item={item} onRevoke={() => setRevoking(item)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isCreating && <CreateKey onClose={() => setCreating(false)} onCreated={list.reload} />}
      {revoking && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          verb="Revoke"
          onClose={() => setRevoking(null)}
          onConfirm={async () => {
            await api.revokeKey(revoking.name);
            list.reload();
          }}
        >
          What uses this key is refused from now on, and signed out here.
        </Confirm>
      )}
    </section>
  );
}

export function ModelsPage() {
  useTitle('Models and keys');
  const models = useLoaded((signal) => api.models(signal), 'models');
  return (
    <Page title="Models and keys" lead="What answers, and who may ask.">
      <ProblemBox problem={models.problem} retry={models.reload} />
      {!models.value && !models.problem && <Waiting lines={5} />}
      {(['chat', 'embed', 'rerank'] as const).map((task) => (
        <ModelGroup
          key={task}
          task={task}
          models={(models.value ?? []).filter((model) => model.task === task)}
        />
      ))}
      <Keys />
    </Page>
  );
}
