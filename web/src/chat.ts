// Calls of chat models through the gateway, as any client makes them.
import { call, Problem, readEvents, send } from './api';
import type { ChatMessage } from './trace_shapes';

export interface ChatWish {
  model: string;
  messages: ChatMessage[];
  parameters: Record<string, unknown>;
}

export interface ChatEnd {
  finish: string;
  input_tokens: number | null;
  output_tokens: number | null;
  trace: string | null;
}

export async function chatModels(signal?: AbortSignal): Promise<string[]> {
  const list = await call<{ data: { id: string; task?: string }[] }>(
    'GET',
    '/v1/models',
    undefined,
    signal,
  );
  return list.data.filter((model) => !model.task || model.task === 'chat').map((model) => model.id);
}

const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : Array.isArray(content)
      ? content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('')
      : '';

/** `onText` hears the reply piece by piece; tool calls are written as text. */
export async function chat(
  wish: ChatWish,
  onText: (piece: string) => void,
  signal: AbortSignal,
): Promise<ChatEnd> {
  const body = {
    stream_options: { include_usage: true },
    ...wish.parameters,
    model: wish.model,
    messages: wish.messages,
    stream: true,
  };
  const response = await send('POST', '/v1/chat/completions', body, signal);
  const end: ChatEnd = {
    finish: '',
    input_tokens: null,
    output_tokens: null,
    trace: response.headers.get('x-slipway-trace-id'),
  };
  let calling = '';
  for await (const { data } of readEvents(response)) {
    if (data.error)
      throw new Problem(data.error.status ?? 500, data.error.message ?? 'it broke off');
    const choice = data.choices?.[0];
    const delta = choice?.delta ?? {};
    const text = textOf(delta.content) || delta.refusal || '';
    if (text) onText(text);
    for (const piece of delta.tool_calls ?? []) {
      const name = piece.function?.name;
      if (name && name !== calling) onText(`${calling ? '\n' : ''}${name} `);
      calling = name || calling;
      if (piece.function?.arguments) onText(piece.function.arguments);
    }
    if (choice?.finish_reason) end.finish = choice.finish_reason;
    if (data.usage) {
      end.input_tokens = data.usage.prompt_tokens ?? null;
      end.output_tokens = data.usage.completion_tokens ?? null;
    }
  }
  if (!end.finish && !signal.aborted)
    throw new Problem(0, 'the reply broke off before its end; try again');
  return end;
}
