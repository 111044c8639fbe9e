// What the graph of an agent shows of a run, from its events.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, changesOf, marksOf, nothingYet } from '../../web/src/agents_live';

const told = (...events) =>
  events.reduce((live, [type, data]) => after(live, { type, data: { graph: '', ...data } }), nothingYet);
const task = (node, more = {}) => ({ node, visit: 1, ...more });

test('items of a map that are not told of one by one end with the map', () => {
  const begun = [
    ['run.started', {}],
    ['step.started', { step: 1, state: {} }],
    ['task.started', task('all')],
    ['task.started', task('all', { index: 0 })],
    ['task.started', task('all', { index: 1 })],
  ];
  assert.deepEqual(marksOf(told(...begun)).get('all'), { state: 'running', runs: 1 });
  const live = told(...begun, ['task.finished', task('all', { status: 'done', writes: {} })]);
  assert.deepEqual(marksOf(live).get('all'), { state: 'done', runs: 1 });
  assert.deepEqual(live.steps[0].tasks.map(({ status }) => status), ['done', 'done', 'done']);
});

test('a node whose tasks differ shows the one that matters most, and how often it was started', () => {
  const live = told(
    ['run.started', {}],
    ['step.started', { step: 1, state: {} }],
    ['task.started', task('page', { index: 0 })],
    ['task.started', task('page', { index: 1 })],
    ['task.finished', task('page', { index: 1, status: 'done' })],
  );
  assert.deepEqual(marksOf(live).get('page'), { state: 'running', runs: 2 });
  const failed = after(live, {
    type: 'task.finished',
    data: { graph: '', ...task('page', { index: 0, status: 'failed', error: { kind: 'x', message: 'y' } }) },
  });
  assert.equal(marksOf(failed).get('page').state, 'failed');
});

test('what is running when a step ends has ended with it', () => {
  const live = told(
    ['step.started', { step: 1, state: {} }],
    ['task.started', task('a')],
    ['step.finished', { step: 1, state: { x: 1 }, next: ['b'] }],
  );
  assert.equal(marksOf(live).get('a').state, 'done');
});

test('changes of a state say which keys are new, grown, changed and gone', () => {
  const changes = changesOf({ list: [1], n: 1, old: true }, { list: [1, 2], n: 2, fresh: 'x' });
  assert.deepEqual(
    changes.map(({ key, kind, added }) => [key, kind, added]),
    [
      ['list', 'grown', [2]],
      ['n', 'changed', undefined],
      ['old', 'gone', undefined],
      ['fresh', 'new', undefined],
    ],
  );
});
