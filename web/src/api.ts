// The one place that knows the server: paths, failures, streams.
import type {
  SearchItem,
  SearchReply,
  SearchRequest,
  Sentence,
  Citation,
  Answer,
  AskRequest,
  Replay,
  Collection,
  DocumentInfo,
  List,
  Job,
  IngestReport,
  MigrateRequest,
  MigrationReport,
  Version,
  VersionList,
  Model,
  Key,
  Settings,
  Session,
  PageLayout,
} from './shapes';

export * from './shapes';

/** A failure as the server tells it (RFC 9457), or as the network does. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: { path: string; message: string }[] = [],
  ) {
    super(message);
  }
}

const headers = { 'x-slipway-ui': '1' };
export const segment = encodeURIComponent;

/** Told when the server asks who is there. */
export let onUnauthenticated: () => void = () => {};
export function setOnUnauthenticated(handler: () => void): void {
  onUnauthenticated = handler;
}

async function problemOf(response: Response): Promise<Problem> {
  let detail = `the server answered ${response.status}`;
  let errors: { path: string; message: string }[] = [];
  try {
    const body = await response.json();
    detail = body.detail ?? body.title ?? body.error?.message ?? detail;
    if (Array.isArray(body.errors)) errors = body.errors;
  } catch {
    // Not a problem body: the status is all there is.
  }
  if (response.status === 401) onUnauthenticated();
  return new Problem(response.status, detail, errors);
}

export async function send(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers:
        body === undefined || body instanceof FormData
          ? headers // Of a form the browser itself says how it is written.
          : { ...headers, 'content-type': 'application/json' },
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'the server does not answer; is it still running?');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const response = await send(method, path, body, signal);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export interface ServerEvent {
  id: string; // Empty where the server gives none.
  name: string;
  data: any;
}

/** The events of a text/event-stream, one after the other. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      pending += value;
      for (let end = pending.search(/\r?\n\r?\n/); end >= 0; end = pending.search(/\r?\n\r?\n/)) {
        const block = pending.slice(0, end);
        pending = pending.slice(end).replace(/^\r?\n\r?\n/, '');
        let name = 'message';
        let id = '';
        const data: string[] = [];
        for (const line of block.split(/\r?\n/)) {
          if (line.startsWith('event:')) name = line.slice(6).trim();
          else if (line.startsWith('id:')) id = line.slice(3).trim();
          else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
        }
        const text = data.join('\n');
        if (text && text !== '[DONE]') yield { id, name, data: JSON.parse(text) };
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

export interface AskEvents {
  onPassages(items: SearchItem[]): void;
  onSentence(sentence: Sentence, citations: Citation[]): void;
}

async function ask(request: AskRequest, events: AskEvents, signal: AbortSignal): Promise<Answer> {
  const response = await send('POST', '/api/ask', { ...request, stream: true }, signal);
  for await (const { name, data } of readEvents(response)) {
    if (name === 'passages') events.onPassages(data.items);
    else if (name === 'sentence') events.onSentence(data, data.new_citations);
    else if (name === 'done') return data as Answer;
    else if (name === 'error')
      throw new Problem(data.status ?? 500, data.detail ?? 'the answer broke off', data.errors);
  }
  throw new Problem(0, 'the answer broke off before its end; ask again');
}

/** Follows a job to its end. */
async function followJob<Result>(
  id: string,
  onChange: (job: Job<Result>) => void,
  signal: AbortSignal,
): Promise<Job<Result>> {
  const response = await send('GET', `/api/jobs/${segment(id)}/events`, undefined, signal);
  let last: Job<Result> | null = null;
  for await (const { data } of readEvents(response)) {
    last = data as Job<Result>;
    onChange(last);
    if (last.state !== 'queued' && last.state !== 'running') return last;
  }
  // The stream ended early (a proxy, a restart): what is true now is asked for.
  last = await call<Job<Result>>('GET', `/api/jobs/${segment(id)}`, undefined, signal);
  onChange(last);
  return last;
}

/** A file and what it is called here: its path, where it came with a folder. */
export interface NamedFile {
  file: File;
  name: string;
}

/** Sends files; `onSent` hears the share of bytes that are on their way, 0..1. */
function upload(
  collection: string,
  files: NamedFile[],
  onSent: (share: number) => void,
  signal: AbortSignal,
): Promise<Job<IngestReport>> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const { file, name } of files) form.append('files', file, name);
    const request = new XMLHttpRequest(); // fetch does not tell how much of a body was sent.
    request.open('POST', `/api/collections/${segment(collection)}/documents`);
    request.setRequestHeader('x-slipway-ui', '1');
    request.responseType = 'json';
    request.upload.onprogress = (event) =>
      event.lengthComputable && onSent(event.loaded / event.total);
    request.onload = () => {
      const body = request.response;
      if (request.status === 401) onUnauthenticated();
      if (request.status >= 200 && request.status < 300) resolve(body.job);
      else
        reject(
          new Problem(
            request.status,
            body?.detail ?? `the server answered ${request.status}`,
            body?.errors,
          ),
        );
    };
    request.onerror = () =>
      reject(new Problem(0, 'the upload broke off; is the server still running?'));
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(form);
  });
}

const collectionPath = (name: string) => `/api/collections/${segment(name)}`;
/** A change of a collection that goes on as a job. */
const begin = async <Result>(
  name: string,
  change: string,
  body?: object,
  signal?: AbortSignal,
): Promise<Job<Result>> =>
  (await call<{ job: Job<Result> }>('POST', `${collectionPath(name)}/${change}`, body, signal)).job;
const documentPath = (collection: string, id: string) =>
  `${collectionPath(collection)}/documents/${segment(id)}`;

/** All pages of a list that is known to be short. */
export async function all<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  for (
    let cursor: string | null | undefined = '', pages = 0;
    cursor !== undefined && cursor !== null && pages < 50;
    pages++
  ) {
    const list: List<T> = await call(
      'GET',
      cursor ? `${path}?cursor=${segment(cursor)}` : path,
      undefined,
      signal,
    );
    items.push(...list.items);
    cursor = list.next_cursor || null;
  }
  return items;
}

export const api = {
  session: () => call<Session>('GET', '/ui/session'),
  signIn: (key: string) => call<void>('POST', '/ui/session', { key }),
  signOut: () => call<void>('DELETE', '/ui/session'),

  collections: (signal?: AbortSignal) => all<Collection>('/api/collections', signal),
  collection: (name: string, signal?: AbortSignal) =>
    call<Collection>('GET', collectionPath(name), undefined, signal),
  createCollection: (name: string, settings: object) =>
    call<Collection>('POST', '/api/collections', { name, settings }),
  removeCollection: (name: string) => call<void>('DELETE', collectionPath(name)),
  documents: (name: string, cursor: string, limit: number, signal?: AbortSignal) =>
    call<List<DocumentInfo>>(
      'GET',
      `${collectionPath(name)}/documents?limit=${limit}${cursor ? `&cursor=${segment(cursor)}` : ''}`,
      undefined,
      signal,
    ),
  document: (collection: string, id: string, signal?: AbortSignal) =>
    call<DocumentInfo>('GET', documentPath(collection, id), undefined, signal),
  documentText: async (collection: string, id: string, signal?: AbortSignal) =>
    new Uint8Array(
      await (
        await send('GET', `${documentPath(collection, id)}/text`, undefined, signal)
      ).arrayBuffer(),
    ),
  documentPage: (collection: string, id: string, page: number, signal?: AbortSignal) =>
    call<PageLayout>('GET', `${documentPath(collection, id)}/pages/${page}`, undefined, signal),
  /** Where the bytes are that the document was made from; 404 once nobody has them. */
  originalPath: (collection: string, id: string) => `${documentPath(collection, id)}/original`,
  removeDocument: (collection: string, id: string) =>
    call<unknown>('DELETE', documentPath(collection, id)),
  versions: (name: string, signal?: AbortSignal) =>
    call<VersionList>('GET', `${collectionPath(name)}/versions`, undefined, signal),
  snapshot: (name: string, label: string) =>
    call<Version>('POST', `${collectionPath(name)}/versions`, { name: label }),
  dropVersion: (name: string, version: string) =>
    call<void>('DELETE', `${collectionPath(name)}/versions/${segment(version)}`),

  upload,
  /** Documents that the server fetches itself. */
  addAddress: (name: string, uri: string, signal: AbortSignal) =>
    begin<IngestReport>(name, 'documents', { uri }, signal),
  migrate: (name: string, request: MigrateRequest) =>
    begin<MigrationReport>(name, 'migrate', request),
  rollBack: (name: string) => begin<MigrationReport>(name, 'rollback'),
  /** The youngest ones. */
  jobs: async (signal?: AbortSignal) =>
    (await call<List<Job>>('GET', '/api/jobs?limit=200', undefined, signal)).items,
  followJob,
  cancelJob: (id: string) => call<unknown>('DELETE', `/api/jobs/${segment(id)}`),
  search: (request: SearchRequest, signal?: AbortSignal) =>
    call<SearchReply>('POST', '/api/search', request, signal),
  ask,
  receipt: (id: string, signal?: AbortSignal) =>
    call<Record<string, unknown>>('GET', `/api/receipts/${segment(id)}`, undefined, signal),
  replay: (id: string) => call<Replay>('POST', `/api/receipts/${segment(id)}/replay`, {}),

  models: (signal?: AbortSignal) => all<Model>('/api/models', signal),
  keys: (signal?: AbortSignal) => all<Key>('/api/keys', signal),
  createKey: (key: { name: string; roles: string[]; models: string[]; expires: string }) =>
    call<{ secret: string }>('POST', '/api/keys', key),
  revokeKey: (name: string) => call<void>('DELETE', `/api/keys/${segment(name)}`),
  settings: (signal?: AbortSignal) => call<Settings>('GET', '/api/settings', undefined, signal),
};
