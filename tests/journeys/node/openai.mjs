// OpenAI's SDK for Node against the server whose URL is the first argument; the second names a vendor. Ends with 0 when
// all is as the SDK's users expect.
import assert from 'node:assert/strict';
import OpenAI, { APIError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai';

const [url, vendor] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'none', maxRetries: 2 });
const question = [{ role: 'user', content: 'How warm is it?' }];
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const tools = [{ type: 'function', function: { name: 'weather', parameters } }];
const calls = [['call_1', 'weather', { city: 'Oslo' }], ['call_2', 'weather', { city: 'Rome' }]];
const text = 'Hello from the vendor.';

async function conversations() {
  const model = `${vendor}-text`;
  const whole = await client.chat.completions.create({ model, messages: question });
  assert.equal(whole.choices[0].message.content, text);
  assert.equal(whole.model, model);
  assert.equal(whole.usage.total_tokens, 16);
  const stream = client.chat.completions.stream({ model, messages: question, stream_options: { include_usage: true } });
  let deltas = '';
  stream.on('content', (delta) => (deltas += delta));
  const last = await stream.finalChatCompletion();
  assert.equal(deltas, text);
  assert.equal(last.choices[0].finish_reason, 'stop');
  const response = await client.responses.create({ model, input: 'Hi' });
  assert.equal(response.output_text, text);
  const kinds = [];
  for await (const event of await client.responses.create({ model, input: 'Hi', stream: true })) kinds.push(event.type);
  assert.equal(kinds[0], 'response.created');
  assert.equal(kinds.at(-1), 'response.completed');
}

async function toolCalls() {
  const model = `${vendor}-tools`;
  const first = await client.chat.completions.stream({ model, messages: question, tools }).finalChatCompletion();
  const { message, finish_reason: reason } = first.choices[0];
  assert.equal(reason, 'tool_calls');
  assert.deepEqual(message.tool_calls.map((c) => [c.id, c.function.name, JSON.parse(c.function.arguments)]), calls);
  const results = calls.map(([id]) => ({ role: 'tool', tool_call_id: id, content: 'warm' }));
  const second = await client.chat.completions.create({ model, messages: [...question, message, ...results], tools });
  assert.equal(second.choices[0].message.content, 'It is 4 and 21.');
}

async function errors() {
  const ask = (model, more = {}) => client.chat.completions.create({ model, messages: question, ...more });
  await assert.rejects(ask('openai-texd'), NotFoundError);
  await assert.rejects(ask(`${vendor}-wrong`), BadRequestError);
  await assert.rejects(ask(`${vendor}-limited`), RateLimitError);
  await assert.rejects(ask(`${vendor}-down`), InternalServerError);
  for (const plan of ['cut', 'fails'])
    await assert.rejects(async () => {
      for await (const chunk of await ask(`${vendor}-${plan}`, { stream: true })) assert.ok(chunk.choices);
    }, APIError);
}

async function leaving() {
  const stream = await client.chat.completions.create({ model: `${vendor}-slow`, messages: question, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  stream.controller.abort();
}

async function lists() {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes(`${vendor}-text`));
  const embedded = await client.embeddings.create({ model: 'openai-embed', input: ['a', 'bb'] });
  assert.equal(embedded.data.length, 2);
  assert.equal(embedded.data[1].embedding.length, 4);
}

for (const part of [conversations, toolCalls, errors, leaving, lists]) {
  await part();
  console.log(`${vendor}: ${part.name} fine`);
}
