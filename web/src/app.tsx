// The frame around all pages: navigation, colours, shortcuts, signing in.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, setOnUnauthenticated, type Problem, type Session } from './api';
import { asProblem, useStored } from './hooks';
import { AskPage } from './pages/ask';
import { CollectionPage } from './pages/collection';
import { CollectionsPage } from './pages/collections';
import { ModelsPage } from './pages/models';
import { ReceiptPage } from './pages/receipt';
import { SearchPage } from './pages/search';
import { SettingsPage } from './pages/settings';
import { Dialog, Empty, InputField, Page, ProblemBox } from './parts/common';
import { Icon, type IconName } from './parts/icons';
import { later } from './parts/lazy';
import { below, Link, navigate, useAddress } from './router';
import { chooseTheme, isDark } from './theme';

interface Place {
  href: string;
  name: string;
  icon: IconName;
  key: string;
}

const groups: Place[][] = [
  [
    { href: '/', name: 'Ask', icon: 'ask', key: 'a' },
    { href: '/search', name: 'Search', icon: 'search', key: 's' },
    { href: '/collections', name: 'Collections', icon: 'collections', key: 'c' },
  ],
  [
    { href: '/traces', name: 'Traces', icon: 'traces', key: 'r' },
    { href: '/costs', name: 'Costs', icon: 'costs', key: 'o' },
    { href: '/budgets', name: 'Budgets', icon: 'budgets', key: 'b' },
    { href: '/prompts', name: 'Prompts', icon: 'prompts', key: 'p' },
    { href: '/agents', name: 'Agents', icon: 'agents', key: 'n' },
    { href: '/playground', name: 'Playground', icon: 'playground', key: 'y' },
  ],
  [
    { href: '/datasets', name: 'Datasets', icon: 'datasets', key: 'd' },
    { href: '/evaluations', name: 'Evaluations', icon: 'evaluations', key: 'e' },
    { href: '/review', name: 'Review', icon: 'check', key: 'v' },
  ],
  [
    { href: '/models', name: 'Models', icon: 'models', key: 'm' },
    { href: '/settings', name: 'Settings', icon: 'settings', key: 't' },
  ],
];
const places = groups.flat();
const atHand = ['/', '/search', '/collections', '/traces']; // On a phone; the others stand below More.

const TracesPage = later('Traces', async () => (await import('./pages/traces')).TracesPage);
const TracePage = later('Trace', async () => (await import('./pages/trace')).TracePage);
const CostsPage = later('Costs', async () => (await import('./pages/costs')).CostsPage);
const BudgetsPage = later('Budgets', async () => (await import('./pages/budgets')).BudgetsPage);
const BudgetPage = later('Budget', async () => (await import('./pages/budgets')).BudgetPage);
const PromptsPage = later('Prompts', async () => (await import('./pages/prompts')).PromptsPage);
const PromptPage = later('Prompt', async () => (await import('./pages/prompts')).PromptPage);
const PlaygroundPage = later(
  'Playground',
  async () => (await import('./pages/playground')).PlaygroundPage,
);
const TraceDiffPage = later(
  'Two runs side by side',
  async () => (await import('./pages/trace_diff')).TraceDiffPage,
);

const DatasetsPage = later('Datasets', async () => (await import('./pages/datasets')).DatasetsPage);
const DatasetPage = later('Dataset', async () => (await import('./pages/dataset')).DatasetPage);
const AgentsPage = later('Agents', async () => (await import('./pages/agents')).AgentsPage);
const AgentPage = later('Agent', async () => (await import('./pages/agent')).AgentPage);
const AgentThreadPage = later(
  'Thread',
  async () => (await import('./pages/agent_thread')).AgentThreadPage,
);

const ReviewQueuesPage = later(
  'Review',
  async () => (await import('./pages/review')).ReviewQueuesPage,
);
const ReviewPage = later('Review', async () => (await import('./pages/review')).ReviewPage);

const EvaluationsPage = later(
  'Evaluations',
  async () => (await import('./pages/evaluations')).EvaluationsPage,
);
const EvaluationPage = later(
  'Evaluation',
  async () => (await import('./pages/evaluation')).EvaluationPage,
);
const ComparePage = later(
  'Evaluations side by side',
  async () => (await import('./pages/evaluation_compare')).ComparePage,
);
const NewEvaluationPage = later(
  'New evaluation',
  async () => (await import('./pages/evaluation_new')).NewEvaluationPage,
);

function Content({ path }: { path: string }) {
  const collection = below(path, '/collections');
  const receipt = below(path, '/receipts');
  const trace = below(path, '/traces');
  const budget = below(path, '/budgets');
  const prompt = below(path, '/prompts');
  const dataset = below(path, '/datasets');
  const evaluation = below(path, '/evaluations');
  const agent = below(path, '/agents');
  const queue = below(path, '/review');
  if (path === '/' || path === '/ask') return <AskPage />;
  if (path === '/search') return <SearchPage />;
  if (collection?.length === 0) return <CollectionsPage />;
  if (collection?.length === 1) return <CollectionPage key={collection[0]} name={collection[0]!} />;
  if (path === '/models' || path === '/keys') return <ModelsPage />;
  if (path === '/settings') return <SettingsPage />;
  if (receipt?.length === 1) return <ReceiptPage key={receipt[0]} id={receipt[0]!} />;
  if (trace?.length === 0) return <TracesPage />;
  if (path === '/costs') return <CostsPage />;
  if (budget?.length === 0) return <BudgetsPage />;
  if (budget?.length === 1) return <BudgetPage key={budget[0]} id={budget[0]!} />;
  if (prompt?.length === 0) return <PromptsPage />;
  if (prompt?.length === 1) return <PromptPage key={prompt[0]} name={prompt[0]!} />;
  if (dataset?.length === 0) return <DatasetsPage />;
  if (dataset?.length === 1) return <DatasetPage key={dataset[0]} name={dataset[0]!} />;
  if (evaluation?.length === 0) return <EvaluationsPage />;
  if (path === '/evaluations/new') return <NewEvaluationPage />;
  if (path === '/evaluations/compare') return <ComparePage />;
  if (evaluation?.length === 1) return <EvaluationPage key={evaluation[0]} id={evaluation[0]!} />;
  if (queue?.length === 0) return <ReviewQueuesPage />;
  if (queue?.length === 1) return <ReviewPage key={queue[0]} id={queue[0]!} />;
  if (agent?.length === 0) return <AgentsPage />;
  if (agent?.length === 1) return <AgentPage key={agent[0]} name={agent[0]!} />;
  if (agent?.length === 3 && agent[1] === 'threads')
    return <AgentThreadPage key={agent[2]} agent={agent[0]!} thread={agent[2]!} />;
  if (path === '/playground') return <PlaygroundPage />;
  if (path === '/traces/diff') return <TraceDiffPage />;
  if (trace?.length === 1) return <TracePage key={trace[0]} id={trace[0]!} />;
  return (
    <Page title="Not here">
      <Empty
        icon="help"
        title="There is no such page"
        action={
          <Link class="button" href="/">
            Ask something
          </Link>
        }
      >
        The address may be mistyped.
      </Empty>
    </Page>
  );
}

function SignIn({ onDone }: { onDone: () => void }) {
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const signIn = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await api.signIn(key.trim());
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <main class="sign-in" id="main">
      <form class="card stack" onSubmit={signIn}>
        <h1>Slipway</h1>
        <p class="muted">This server asks for a key. The page keeps a session, not the key.</p>
        <input
          type="text"
          name="username"
          autocomplete="username"
          value="slipway"
          readOnly
          hidden
        />
        <InputField
          label="API key"
          type="password"
          value={key}
          required
          autocomplete="current-password"
          autofocus
          onInput={setKey}
        />
        <ProblemBox problem={problem} />
        <button type="submit" disabled={isBusy || !key.trim()}>
          Sign in
        </button>
      </form>
    </main>
  );
}

function Help({
  on,
  setOn,
  onClose,
}: {
  on: boolean;
  setOn: (on: boolean) => void;
  onClose: () => void;
}) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {places.map((place) => (
          <div key={place.href}>
            <dt>
              <kbd>g</kbd> <kbd>{place.key}</kbd>
            </dt>
            <dd>{place.name}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>To the question or query</dd>
        </div>
        <div>
          <dt>
            <kbd>Enter</kbd>
          </dt>
          <dd>
            Ask; <kbd>Shift</kbd> <kbd>Enter</kbd> begins a new line
          </dd>
        </div>
        <div>
          <dt>
            <kbd>↑</kbd> <kbd>↓</kbd>
          </dt>
          <dd>
            Through the runs of a trace; <kbd>←</kbd> closes or leads above, <kbd>→</kbd> opens
          </dd>
        </div>
        <div>
          <dt>
            <kbd>d</kbd>
          </dt>
          <dd>Dark or light</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>This list</dd>
        </div>
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>Close what is in front</dd>
        </div>
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={on}
          onChange={(event) => setOn(event.currentTarget.checked)}
        />{' '}
        Single keys do something
      </label>
    </Dialog>
  );
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));

function useShortcuts(isOn: boolean, actions: { help: () => void; theme: () => void }): void {
  const pending = useRef(0); // When "g" was pressed.
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    if (!isOn) return;
    const press = (event: KeyboardEvent) => {
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector('dialog[open]')
      )
        return;
      const follows = Date.now() - pending.current < 1500;
      pending.current = 0;
      const place = places.find((p) => p.key === event.key);
      if (follows && place) navigate(place.href);
      else if (event.key === 'g') pending.current = Date.now();
      else if (event.key === '?') latest.current.help();
      else if (event.key === 'd') latest.current.theme();
      else if (event.key === '/')
        document.querySelector<HTMLElement>('[data-shortcut=focus]')?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [isOn]);
}

const isAt = (path: string, href: string): boolean =>
  href === '/'
    ? path === '/' || path === '/ask'
    : path === href || path.startsWith(`${href}/`) || (href === '/models' && path === '/keys');

function PlaceLink({ place, path }: { place: Place; path: string }) {
  return (
    <Link href={place.href} aria-current={isAt(path, place.href) ? 'page' : undefined}>
      <Icon name={place.icon} />
      <span>{place.name}</span>
    </Link>
  );
}

function Navigation({ path }: { path: string }) {
  const [isOpen, setOpen] = useState(false);
  const isElsewhere = !places.some((p) => atHand.includes(p.href) && isAt(path, p.href));
  const others = places.filter((place) => !atHand.includes(place.href));
  useEffect(() => setOpen(false), [path]);
  return (
    <nav aria-label="Pages">
      {groups.map((group, i) => (
        <ul key={i}>
          {group.map((place) => (
            <li key={place.href} class={atHand.includes(place.href) ? '' : 'not-at-hand'}>
              <PlaceLink place={place} path={path} />
            </li>
          ))}
        </ul>
      ))}
      <button
        type="button"
        class={`more-places ${isElsewhere ? 'on' : ''}`}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <Icon name="more" />
        <span>More</span>
      </button>
      {isOpen && (
        <Dialog title="More pages" onClose={() => setOpen(false)}>
          <ul class="place-list">
            {others.map((place) => (
              <li key={place.href}>
                <PlaceLink place={place} path={path} />
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </nav>
  );
}

function Frame({ session, onSignOut }: { session: Session; onSignOut: () => void }) {
  const { path } = useAddress();
  const [isHelping, setHelping] = useState(false);
  const [shortcuts, setShortcuts] = useStored('shortcuts', 'on');
  const [dark, setDark] = useState(isDark);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const toggle = () => {
    chooseTheme(isDark() ? 'light' : 'dark');
    setDark(isDark());
  };
  useShortcuts(shortcuts === 'on', { help: () => setHelping(true), theme: toggle });
  useEffect(() => {
    // Readers hear the new page; the first one is announced by the browser.
    if (isFirst.current) isFirst.current = false;
    else {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
  }, [path]);
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        To the content
      </a>
      <header class="side">
        <Link class="brand" href="/">
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <rect width="32" height="32" rx="7" class="brand-back" />
            <path d="M6 22.5 26 17M6 26h20" class="brand-line" />
            <path d="M8.5 17.2 10 11.500l13-3.4-2.2 6z" class="brand-hull" />
          </svg>
          <span>Slipway</span>
        </Link>
        <Navigation path={path} />
        <div class="side-end">
          <a href="/docs" class="docs" aria-label="API docs">
            <Icon name="docs" />
            <span>API docs</span>
          </a>
          <div class="row">
            <button
              type="button"
              class="bare"
              aria-label={dark ? 'Light colours' : 'Dark colours'}
              title={dark ? 'Light (d)' : 'Dark (d)'}
              onClick={toggle}
            >
              <Icon name={dark ? 'sun' : 'moon'} />
            </button>
            <button
              type="button"
              class="bare"
              aria-label="Keyboard shortcuts"
              title="Keyboard (?)"
              onClick={() => setHelping(true)}
            >
              <Icon name="help" />
            </button>
            {session.caller?.is_session && (
              <button
                type="button"
                class="bare"
                aria-label={`Sign out ${session.caller.name}`}
                title={`Signed in as ${session.caller.name}, ${session.caller.role}`}
                onClick={onSignOut}
              >
                <Icon name="out" />
              </button>
            )}
          </div>
          <p class="version">{session.version}</p>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Content path={path} />
      </main>
      {isHelping && (
        <Help
          on={shortcuts === 'on'}
          setOn={(on) => setShortcuts(on ? 'on' : 'off')}
          onClose={() => setHelping(false)}
        />
      )}
    </div>
  );
}

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = () =>
    api.session().then(
      (value) => {
        setSession(value);
        setProblem(null);
      },
      (error) => setProblem(asProblem(error)),
    );
  useEffect(() => {
    setOnUnauthenticated(() => setSession((old) => old && { ...old, caller: null }));
    void load();
  }, []);
  const signOut = async () => {
    await api.signOut().catch(() => undefined);
    await load();
  };
  if (problem && !session)
    return (
      <main class="sign-in">
        <ProblemBox problem={problem} retry={load} />
      </main>
    );
  // The frame is drawn at once; who is there decides only what it shows inside.
  if (session && !session.caller) return <SignIn onDone={load} />;
  return (
    <Frame
      session={session ?? { version: '', caller: { name: '', role: 'read', is_session: false } }}
      onSignOut={signOut}
    />
  );
}
