// The list of agents, and of all threads.
import { useState } from 'preact/hooks';
import { agentHref, type AgentItem, agents } from '../agents';
import { time } from '../format';
import { useLoaded, useTitle } from '../hooks';
import { AgentText, useCheck } from '../parts/agent_text';
import { AgentThreads } from '../parts/agent_threads';
import { Empty, FormDialog, InputField, Page, ProblemBox, Tabs, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { usePageQuery } from '../parts/marks';
import { Link, navigate } from '../router';

const template = `name: hello
input: [topic]
output: [text]
state: {topic: string, text: string}
nodes:
  ask: {human: {ask: "What about {{topic}}?", into: text}}
edges:
  - START -> ask
  - ask -> END
`;

function AgentCard({ agent }: { agent: AgentItem }) {
  return (
    <li class="card collection budget" data-testid="agent" data-agent={agent.name}>
      <h2>
        <Link href={agentHref(agent.name)}>{agent.name}</Link>
      </h2>
      {agent.description && <p>{agent.description}</p>}
      <p class="muted">
        {agent.declared ? 'Declared by slipway.yaml' : `Version ${agent.version}`} ·{' '}
        {time(agent.updated_at)}
      </p>
    </li>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [text, setText] = useState(template);
  const checked = useCheck(text);
  return (
    <FormDialog
      title="New agent"
      verb="Create"
      isReady={!!name.trim() && checked.check?.ok !== false}
      onSubmit={async () => {
        await agents.put(name.trim(), text);
        navigate(agentHref(name.trim()));
      }}
      onClose={onClose}
    >
      <InputField
        label="Name"
        value={name}
        required
        pattern="[A-Za-z0-9._\-]{1,64}"
        title="1 to 64 letters, digits, . _ -"
        autocomplete="off"
        onInput={setName}
      />
      <AgentText text={text} checked={checked} onInput={setText} />
    </FormDialog>
  );
}

function List() {
  const list = useLoaded((signal) => agents.list(signal), 'agents');
  return (
    <>
      <ProblemBox problem={list.problem} retry={list.reload} />
      {!list.value && !list.problem && <Waiting lines={5} />}
      {list.value?.length === 0 && (
        <Empty icon="agents" title="No agents yet">
          Write one here, declare files under <code>agents:</code> in <code>slipway.yaml</code>, or
          put one with <code>PUT /api/agents/NAME</code>.
        </Empty>
      )}
      <ul class="cards">
        {(list.value ?? []).map((agent) => (
          <AgentCard key={agent.name} agent={agent} />
        ))}
      </ul>
    </>
  );
}

const tabs = [
  ['agents', 'Agents'],
  ['threads', 'Threads'],
] as const;

export function AgentsPage() {
  useTitle('Agents');
  const page = usePageQuery();
  const tab = page.get('tab') === 'threads' ? 'threads' : 'agents';
  const [isCreating, setCreating] = useState(false);
  return (
    <Page
      title="Agents"
      lead="Graphs of models, tools and people that stop when told and never pay twice."
      actions={
        <button type="button" onClick={() => setCreating(true)}>
          <Icon name="plus" /> New agent
        </button>
      }
    >
      <Tabs
        label="Agents"
        value={tab}
        options={tabs}
        onChange={(next) => page.set({ tab: next === 'agents' ? null : next, status: null })}
      />
      {tab === 'agents' ? <List /> : <AgentThreads agent="" />}
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  );
}
