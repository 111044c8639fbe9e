// One agent: its graph, a form that starts a run, its text, its threads.
import { useState } from 'preact/hooks';
import {
  type AgentInfo,
  agents,
  type Drawing,
  type DrawnNode,
  threadHref,
} from '../agents';
import type { Problem } from '../api';
import { count, dollars, plural } from '../format';
import { asProblem, useLoaded, useTitle } from '../hooks';
import { AgentGraph } from '../parts/agent_graph';
import { AgentText, useCheck } from '../parts/agent_text';
import { AgentThreads } from '../parts/agent_threads';
import { Confirm, InputField, Page, ProblemBox, Tabs, Waiting } from '../parts/common';
import { Icon } from '../parts/icons';
import { usePageQuery } from '../parts/marks';
import { type Texts, textOfValue, ValueFields, valuesOf } from '../parts/value_fields';
import { Link, navigate } from '../router';

/** Several nodes by name, with commas between. */
const namesIn = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);

function StartForm({ agent, drawing }: { agent: string; drawing: Drawing }) {
  const keys = new Map(drawing.keys.map((key) => [key.name, key]));
  const fields = drawing.input.map((name) => ({
    name,
    type: keys.get(name)?.type ?? 'any',
  }));
  const [texts, setTexts] = useState<Texts>(() =>
    Object.fromEntries(
      fields.map(({ name, type }) => [name, textOfValue(type, keys.get(name)?.fallback)]),
    ),
  );
  const [steps, setSteps] = useState('');
  const [pauses, setPauses] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const start = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const input = valuesOf(fields, texts);
      const options = {
        ...(steps.trim() ? { steps: Number(steps) } : {}),
        pause_before: namesIn(pauses),
      };
      const { thread } = await agents.createThread(agent);
      await agents.start(thread, input, options);
      navigate(threadHref(agent, thread));
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
      (event.currentTarget as HTMLFormElement).requestSubmit();
  };
  return (
    <form class="card stack" onSubmit={start} onKeyDown={press} data-testid="start-form">
      <h2>Run it</h2>
      <ValueFields fields={fields} texts={texts} onChange={setTexts} />
      <details>
        <summary>Options</summary>
        <div class="stack tight">
          <InputField
            label="Stop before these nodes"
            hint="Names, with commas between"
            value={pauses}
            autocomplete="off"
            onInput={setPauses}
          />
          <InputField
            label="Supersteps at most"
            hint={`Otherwise ${drawing.steps_max}`}
            inputMode="numeric"
            pattern="[1-9][0-9]{0,5}"
            value={steps}
            onInput={setSteps}
          />
        </div>
      </details>
      <ProblemBox problem={problem} />
      <div class="row">
        <button type="submit" disabled={isBusy}>
          <Icon name="playground" /> Start
        </button>
        <span class="muted wide-only">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> starts
        </span>
      </div>
    </form>
  );
}

function budgetWords({ budget }: Drawing): string {
  const parts = [
    budget.tokens !== null && budget.tokens !== undefined && `${count(budget.tokens)} tokens`,
    budget.usd !== null && budget.usd !== undefined && dollars(budget.usd),
    budget.calls !== null && budget.calls !== undefined && plural(budget.calls, 'call'),
  ].filter(Boolean);
  if (!parts.length) return 'No budget';
  const then = { finish: 'then it finishes', approve: 'then it asks', fail: 'then it fails' };
  return `Budget ${parts.join(', ')}; ${then[budget.on_exceed as keyof typeof then] ?? ''}`;
}

function NodeFacts({ node, drawing }: { node: DrawnNode; drawing: Drawing }) {
  const ways = drawing.edges.filter((edge) => edge.from === node.name);
  return (
    <section class="card stack tight" data-testid="node-facts" aria-label={`Node ${node.name}`}>
      <h3>
        {node.name} <span class="state">{node.kind}</span>
      </h3>
      {node.about && <p class="muted">{node.about}</p>}
      <ul class="stack tight">
        {ways.map((edge, i) => (
          <li key={i}>
            → {edge.to} {edge.label && <code>{edge.label}</code>}
          </li>
        ))}
      </ul>
      {node.line > 0 && (
        <p>
          <Link href={`${location.pathname}?tab=text`}>Line {node.line} of the text</Link>
        </p>
      )}
    </section>
  );
}

function GraphTab({ name, drawing }: { name: string; drawing: Drawing }) {
  const [chosen, setChosen] = useState('');
  const node = drawing.nodes.find((one) => one.name === chosen);
  return (
    <div class="agent-columns">
      <div class="stack tight">
        <p class="muted">
          {plural(drawing.nodes.length, 'node')} · {budgetWords(drawing)}
        </p>
        <AgentGraph
          drawing={drawing}
          chosen={chosen}
          onChoose={(next) => setChosen(next === chosen ? '' : next)}
        />
      </div>
      <div class="stack">
        <StartForm agent={name} drawing={drawing} />
        {node && <NodeFacts node={node} drawing={drawing} />}
      </div>
    </div>
  );
}

function TextTab({ agent, onSaved }: { agent: AgentInfo; onSaved: () => void }) {
  const [text, setText] = useState(agent.yaml);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const checked = useCheck(text);
  const isChanged = text !== agent.yaml;
  const save = async () => {
    setBusy(true);
    try {
      await agents.put(agent.name, text);
      setProblem(null);
      onSaved();
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  const drawing = checked.check?.drawing;
  return (
    <div class="agent-columns text-columns">
      <div class="stack">
        {agent.declared && (
          <p class="muted">
            This text is the file <code>{agent.file}</code>; change it there.
          </p>
        )}
        <AgentText
          text={text}
          checked={checked}
          isReadOnly={agent.declared}
          onInput={setText}
        />
        <ProblemBox problem={problem} />
        {!agent.declared && (
          <div class="row">
            <button
              type="button"
              disabled={
                isBusy || !isChanged || (checked.text === text && checked.check?.ok === false)
              }
              onClick={() => void save()}
            >
              Save
            </button>
            {isChanged && (
              <button type="button" class="quiet" onClick={() => setText(agent.yaml)}>
                Undo
              </button>
            )}
          </div>
        )}
      </div>
      {drawing && <AgentGraph drawing={drawing} />}
    </div>
  );
}

const tabs = [
  ['graph', 'Graph'],
  ['text', 'Text'],
  ['threads', 'Threads'],
] as const;

export function AgentPage({ name }: { name: string }) {
  useTitle(name);
  const page = usePageQuery();
  const tab = tabs.find(([one]) => one === page.get('tab'))?.[0] ?? 'graph';
  const info = useLoaded((signal) => agents.get(name, signal), `agent ${name}`);
  const drawing = useLoaded((signal) => agents.drawing(name, signal), `graph ${name}`);
  const [isRemoving, setRemoving] = useState(false);
  const reload = () => {
    info.reload();
    drawing.reload();
  };
  return (
    <Page
      title={name}
      isWide
      lead={
        <>
          <Link href="/agents">Agents</Link>
          {info.value?.description && ` · ${info.value.description}`}
        </>
      }
      actions={
        info.value && !info.value.declared ? (
          <button
            type="button"
            class="bare"
            aria-label={`Remove ${name}`}
            title="Remove"
            onClick={() => setRemoving(true)}
          >
            <Icon name="trash" />
          </button>
        ) : null
      }
    >
      <Tabs
        label="Agent"
        value={tab}
        options={tabs}
        onChange={(next) => page.set({ tab: next === 'graph' ? null : next, status: null })}
      />
      <ProblemBox problem={info.problem ?? drawing.problem} retry={reload} />
      {tab === 'graph' &&
        (drawing.value ? (
          <GraphTab key={drawing.value.hash} name={name} drawing={drawing.value} />
        ) : (
          !drawing.problem && <Waiting lines={8} />
        ))}
      {tab === 'text' &&
        info.value && <TextTab key={info.value.hash} agent={info.value} onSaved={reload} />}
      {tab === 'threads' && <AgentThreads agent={name} />}
      {isRemoving && (
        <Confirm
          title={`Remove ${name}`}
          word={name}
          verb="Remove"
          onConfirm={async () => {
            await agents.remove(name);
            navigate('/agents');
          }}
          onClose={() => setRemoving(false)}
        >
          <p>Its threads stay, and can still be read.</p>
        </Confirm>
      )}
    </Page>
  );
}
