// What the page computes, without a page: tools/test of the web's own modules (bundled by tests/tools/test_web.py).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketName, filled } from '../../web/src/parts/buckets';
import { niceAbove } from '../../web/src/parts/chart';
import { diff } from '../../web/src/parts/diff';
import { messagesOf, replayable } from '../../web/src/parts/messages';
import { foundRows, openRows, timeline } from '../../web/src/parts/tree';
import { exactMoney, money, percent } from '../../web/src/format';

const texts = (messages) =>
  messages?.map(({ role, parts }) => [role, parts.map((part) => part.text ?? part.kind).join('|')]);

test('conversations are known in every form in which clients send them', () => {
  const asked = [
    ['system', 'Be brief.'],
    ['user', 'Why?'],
  ];
  const plain = asked.map(([role, content]) => ({ role, content }));
  for (const payload of [
    plain,
    { messages: plain },
    { messages: [plain] },
    { input: plain, model: 'm' },
    { system: 'Be brief.', messages: plain.slice(1) },
    asked.map(([role, content]) => ({ role, parts: [{ type: 'text', content }] })),
    asked.map(([role, text]) => ({ role, content: [{ type: 'text', text }] })),
    plain.map((message) => ({ message })),
    { messages: asked },
    {
      messages: [
        ['SystemMessage', 'HumanMessage'].map((name, i) => ({
          lc: 1,
          type: 'constructor',
          id: ['langchain', 'schema', 'messages', name],
          kwargs: { content: asked[i][1] },
        })),
      ],
    },
    {
      messages: [
        { type: 'system', content: 'Be brief.' },
        { type: 'human', content: 'Why?' },
      ],
    },
  ])
    assert.deepEqual(texts(messagesOf(payload)), asked, JSON.stringify(payload));
});

test('replies are known, too, with their tool calls', () => {
  const said = [['assistant', 'So.']];
  for (const payload of [
    { role: 'assistant', content: 'So.' },
    { choices: [{ index: 0, message: { role: 'assistant', content: 'So.' } }] },
    {
      generations: [[{ text: 'So.', message: { kwargs: { content: 'So.' }, id: ['AIMessage'] } }]],
    },
    { generations: [[{ text: 'So.' }]] },
    { output: { role: 'assistant', content: 'So.' } },
    { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'So.' }] },
  ])
    assert.deepEqual(texts(messagesOf(payload)), said, JSON.stringify(payload));
  const [calling] = messagesOf({
    role: 'assistant',
    content: null,
    tool_calls: [
      { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at": 7}' } },
    ],
  });
  assert.deepEqual(calling.parts, [{ kind: 'call', id: 'c1', name: 'look', input: { at: 7 } }]);
  const [used] = messagesOf([
    {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'c2', name: 'look', input: { at: 8 } }],
    },
  ]);
  assert.deepEqual(used.parts, [{ kind: 'call', id: 'c2', name: 'look', input: { at: 8 } }]);
  const [result] = messagesOf([{ role: 'tool', tool_call_id: 'c1', content: '{"seen": true}' }]);
  assert.deepEqual(result.parts, [{ kind: 'result', id: 'c1', output: { seen: true } }]);
});

test('what is no conversation stays what it is', () => {
  for (const payload of [
    null,
    7,
    'text',
    [],
    {},
    [1, 2],
    { messages: [] },
    { messages: [{ a: 1 }] },
    [['a', 'b', 'c']],
  ])
    assert.equal(messagesOf(payload), null, JSON.stringify(payload));
  assert.deepEqual(replayable({ question: 'Why?' }), [{ role: 'user', content: 'Why?' }]);
  assert.deepEqual(replayable([{ role: 'human', content: 'Why?' }]), [
    { role: 'user', content: 'Why?' },
  ]);
});

const run = (id, start, ms, children = []) => ({
  id,
  start_time: `2026-11-23T08:00:0${start}Z`,
  end_time: ms === null ? null : 'later',
  latency_ms: ms,
  children,
});

test('a tree becomes rows in its order, with times since its beginning', () => {
  const { rows, length_ms } = timeline({
    roots: [
      run('a', '0.000000100', 5000, [
        run('b', '1.5', 1000, [run('c', '2', null)]),
        run('d', '3', 4000),
      ]),
    ],
  });
  assert.deepEqual(
    rows.map((row) => [row.run.id, row.depth, row.parent, row.end]),
    [
      ['a', 0, -1, 4],
      ['b', 1, 0, 3],
      ['c', 2, 1, 3],
      ['d', 1, 0, 4],
    ],
  );
  assert.ok(Math.abs(rows[1].start_ms - 1499.9999) < 1e-9);
  assert.equal(rows[2].end_ms, null);
  assert.ok(Math.abs(length_ms - 6999.9999) < 1e-9);
  assert.deepEqual(
    openRows(rows, new Set(['b'])).map((row) => row.run.id),
    ['a', 'b', 'd'],
  );
  assert.deepEqual(
    foundRows(rows, (row) => row.run.id === 'c').map((row) => row.run.id),
    ['a', 'b', 'c'],
  );
});

test('a hundred thousand levels are walked without a deep stack', () => {
  let chain = run('end', '1', 1);
  for (let i = 0; i < 100_000; i++) chain = run(`r${i}`, '1', 1, [chain]);
  assert.equal(timeline({ roots: [chain] }).rows.at(-1).depth, 100_000);
});

test('a difference gives both texts back, and words where lines changed', () => {
  assert.deepEqual(diff('the cat sat\nend', 'the dog sat\nend'), [
    { kind: 'same', text: 'the ' },
    { kind: 'gone', text: 'cat' },
    { kind: 'new', text: 'dog' },
    { kind: 'same', text: ' sat\nend' },
  ]);
  assert.deepEqual(diff('', ''), []);
  let seed = 7;
  const next = (below) => (seed = (seed * 48271) % 0x7fffffff) % below;
  const random = () => Array.from({ length: next(14) }, () => 'ab\n é'[next(5)]).join('');
  for (let i = 0; i < 5000; i++) {
    const [a, b] = [random(), random()];
    const pieces = diff(a, b);
    const side = (other) =>
      pieces
        .filter(({ kind }) => kind !== other)
        .map(({ text }) => text)
        .join('');
    assert.equal(side('new'), a);
    assert.equal(side('gone'), b);
  }
  const far = (letter) => Array.from({ length: 9000 }, (_, i) => `${letter}${i}`).join('\n');
  assert.equal(diff(far('x'), far('y')).length > 0, true); // Too far apart: told as a whole, and soon.
});

test('days and hours have no gaps, and very long times are not filled', () => {
  assert.deepEqual(filled(['2026-03-01', '2026-02-27'], 'day'), [
    '2026-02-27',
    '2026-02-28',
    '2026-03-01',
  ]);
  assert.deepEqual(filled(['2026-02-27T23:00:00Z', '2026-02-28T01:00:00Z'], 'hour'), [
    '2026-02-27T23:00:00Z',
    '2026-02-28T00:00:00Z',
    '2026-02-28T01:00:00Z',
  ]);
  assert.deepEqual(filled(['1970-01-01', '2026-02-27'], 'day'), ['1970-01-01', '2026-02-27']);
  assert.deepEqual(filled([], 'day'), []);
  assert.equal(bucketName('1999-02-07T05:00:00Z'), '7 Feb 1999, 05:00');
});

test('numbers are written as people read them', () => {
  assert.deepEqual([null, 0, 1234.5, 0.0228535, 0.000012345, -2.5].map(money), [
    '–',
    '$0',
    '$1,234.50',
    '$0.0229',
    '$0.000012345',
    '−$2.50',
  ]);
  assert.deepEqual([0.0228535, 1.5, 0.000000000001].map(exactMoney), [
    '$0.0228535',
    '$1.50',
    '$0.000000000001',
  ]);
  assert.deepEqual([0, 0.0826, 0.5, 1].map(percent), ['0 %', '8.3 %', '50 %', '100 %']);
  assert.deepEqual([0, 0.7, 1, 1.2, 4.9, 900].map(niceAbove), [1, 1, 1, 2, 5, 1000]);
});
