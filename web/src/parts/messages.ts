// Conversations in the many forms in which clients send them, as one.

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'thought'; text: string }
  | { kind: 'call'; id: string; name: string; input: unknown }
  | { kind: 'result'; id: string; output: unknown }
  | { kind: 'media'; what: string }
  | { kind: 'other'; value: unknown };

export interface Message {
  role: string;
  name: string;
  parts: Part[];
}

type Json = Record<string, any>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Arguments come as JSON in a string, or as they are. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function callOf(call: Json): Part {
  const inner = isObject(call.function)
    ? call.function
    : isObject(call.tool_call)
      ? call.tool_call
      : call;
  const named = isObject(inner.function) ? inner.function : inner;
  return {
    kind: 'call',
    id: text(call.id ?? inner.id),
    name: text(named.name) || 'tool',
    input: parsed(named.arguments ?? named.args ?? named.input ?? {}),
  };
}

function partOf(part: unknown): Part {
  if (typeof part === 'string') return { kind: 'text', text: part };
  if (!isObject(part)) return { kind: 'other', value: part };
  const inner = isObject(part.message_content) ? part.message_content : part; // OpenInference.
  const type = text(inner.type);
  const words = inner.text ?? inner.content;
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      if (typeof words === 'string') return { kind: 'text', text: words };
      break;
    case 'thinking':
    case 'reasoning':
      return { kind: 'thought', text: text(inner.thinking ?? words) };
    case 'tool_use':
    case 'tool_call':
    case 'function_call':
      return callOf(inner);
    case 'tool_result':
    case 'tool_call_response':
    case 'function_call_output':
      return {
        kind: 'result',
        id: text(inner.tool_use_id ?? inner.call_id ?? inner.id),
        output: parsed(inner.result ?? inner.response ?? inner.output ?? inner.content),
      };
    case 'image':
    case 'image_url':
    case 'input_image':
    case 'input_audio':
    case 'audio':
    case 'file':
    case 'document':
    case 'blob':
    case 'uri':
      return { kind: 'media', what: type.replace(/^input_|_url$/g, '') };
  }
  if (!type && typeof words === 'string') return { kind: 'text', text: words };
  return { kind: 'other', value: part };
}

const classRoles: [RegExp, string][] = [
  [/^(human|humanmessage|user)/i, 'user'],
  [/^(ai|aimessage|assistant|model)/i, 'assistant'],
  [/^(system|developer)/i, 'system'],
  [/^(tool|toolmessage|function)/i, 'tool'],
];

function roleOf(name: string): string {
  return classRoles.find(([pattern]) => pattern.test(name))?.[1] ?? name;
}

/** One message, or null where it is none. */
function messageOf(value: unknown): Message | null {
  if (Array.isArray(value) && value.length === 2 && value.every((v) => typeof v === 'string'))
    return { role: roleOf(value[0]!), name: '', parts: [{ kind: 'text', text: value[1]! }] };
  if (!isObject(value)) return null;
  if (isObject(value.message)) return messageOf(value.message);
  if (isObject(value.kwargs) && Array.isArray(value.id))
    // LangChain's serialised objects.
    return messageOf({ type: text(value.id.at(-1)), ...value.kwargs });
  if (isObject(value.data) && typeof value.type === 'string' && 'content' in value.data)
    return messageOf({ role: value.type, ...value.data });
  const role =
    text(value.role) ||
    (/^(human|ai|system|tool|function)/i.test(text(value.type)) ? text(value.type) : '');
  if (!role) return null;
  const content = value.content ?? value.parts ?? value.contents;
  const calls: unknown[] = Array.isArray(value.tool_calls) ? value.tool_calls : [];
  if (content === undefined && !calls.length && !isObject(value.function_call)) return null;
  const parts: Part[] = [];
  if (roleOf(role) === 'tool' && typeof content === 'string')
    parts.push({ kind: 'result', id: text(value.tool_call_id), output: parsed(content) });
  else if (typeof content === 'string') {
    if (content) parts.push({ kind: 'text', text: content });
  } else if (Array.isArray(content)) parts.push(...content.map(partOf));
  else if (content !== null && content !== undefined) parts.push({ kind: 'other', value: content });
  const known = new Set(parts.flatMap((part) => (part.kind === 'call' ? [part.id] : [])));
  for (const call of calls)
    if (isObject(call) && !(call.id && known.has(call.id))) parts.push(callOf(call));
  if (isObject(value.function_call)) parts.push(callOf(value.function_call));
  return { role: roleOf(role), name: text(value.name), parts };
}

function listOf(value: unknown): Message[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  if (
    Array.isArray(value[0]) &&
    value.length === 1 &&
    !value[0].every((v) => typeof v === 'string')
  )
    return listOf(value[0]); // LangChain's batches of one.
  const all = value.map(messageOf);
  return all.every((message) => message !== null) ? (all as Message[]) : null;
}

function generationOf(value: unknown): Message[] | null {
  const first = Array.isArray(value) ? value[0] : null;
  const generation = Array.isArray(first) ? first[0] : first;
  if (!isObject(generation)) return null;
  const message = messageOf(generation.message);
  if (message) return [message];
  return typeof generation.text === 'string'
    ? [{ role: 'assistant', name: '', parts: [{ kind: 'text', text: generation.text }] }]
    : null;
}

/** The conversation that a payload holds; null where it is something else. */
export function messagesOf(value: unknown): Message[] | null {
  if (Array.isArray(value)) return listOf(value);
  if (!isObject(value)) return null;
  const single = messageOf(value);
  if (single) return [single];
  if (Array.isArray(value.choices)) return listOf(value.choices);
  if (value.generations) return generationOf(value.generations);
  for (const name of [
    'messages',
    'input',
    'output',
    'outputs',
    'llm.input_messages',
    'llm.output_messages',
  ]) {
    const inner = value[name];
    const list = Array.isArray(inner) ? listOf(inner) : isObject(inner) ? messagesOf(inner) : null;
    if (!list) continue;
    const system = value.system ?? value.system_instructions ?? value.instructions;
    if (!system || list[0]?.role === 'system') return list;
    const parts = Array.isArray(system) ? system.map(partOf) : [partOf(system)];
    return [{ role: 'system', name: '', parts }, ...list];
  }
  return null;
}

/** Its words, without what is no text. */
export const plainText = (message: Message): string =>
  message.parts
    .map((part) =>
      part.kind === 'text' ? part.text : part.kind === 'result' ? textOf(part.output) : '',
    )
    .filter(Boolean)
    .join('\n\n');

export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');

/** What a person may have asked, of any payload: for a new try of it. */
export function replayable(inputs: unknown): { role: string; content: string }[] {
  const messages = messagesOf(inputs);
  if (messages)
    return messages
      .map((message) => ({
        role: ['system', 'assistant'].includes(message.role) ? message.role : 'user',
        content: plainText(message),
      }))
      .filter((message) => message.content);
  const single =
    isObject(inputs) && Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs;
  return [{ role: 'user', content: textOf(single) }];
}
