// LangSmith's SDK for JavaScript against the server whose URL is the first argument, with the key that is the second: a
// dataset with a file, an experiment over it, its feedback. Ends with 0 when all is as its users expect.
import assert from 'node:assert/strict';
import { Client } from 'langsmith';
import { evaluate } from 'langsmith/evaluation';

const [apiUrl, apiKey] = process.argv.slice(2);
const client = new Client({ apiUrl, apiKey });

async function until(condition) {
  for (let i = 0; i < 100; ++i) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not happen in time');
}

async function all(list) {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}

const dataset = await client.createDataset('from JavaScript', { description: 'd' });
await client.createExamples({
  datasetId: dataset.id,
  inputs: [{ a: 1 }, { a: 2 }, { a: 3 }],
  outputs: [{ sum: 2 }, { sum: 3 }, { sum: 4 }],
});
const id = crypto.randomUUID();
await client.uploadExamplesMultipart(dataset.id, [
  { id, inputs: { a: 4 }, outputs: { sum: 5 }, split: ['files'], attachments: { note: ['text/plain', Buffer.from('héllo')] } },
]);
const example = await client.readExample(id);
assert.deepEqual(example.inputs, { a: 4 });
assert.deepEqual(example.metadata.dataset_split, ['files']);
const url = example.attachments.note.presigned_url;
assert.equal(await (await fetch(url)).text(), 'héllo');
assert.equal((await all(client.listExamples({ datasetId: dataset.id }))).length, 4);
assert.equal((await all(client.listExamples({ datasetId: dataset.id, splits: ['base'] }))).length, 3);
console.log('dataset fine');

const version = await client.readDatasetVersion({ datasetId: dataset.id, tag: 'latest' });
await client.updateDatasetTag({ datasetId: dataset.id, asOf: version.as_of, tag: 'v1' });
await client.updateExample(id, { inputs: { a: 5 }, outputs: { sum: 6 } });
await client.deleteExample(id);
assert.equal((await all(client.listExamples({ datasetId: dataset.id }))).length, 3);
assert.equal((await all(client.listExamples({ datasetId: dataset.id, asOf: 'v1' }))).length, 4);
console.log('versions fine');

const results = await evaluate(async (inputs) => ({ sum: inputs.a === 2 ? 0 : inputs.a + 1 }), {
  data: 'from JavaScript',
  client,
  evaluators: [({ outputs, referenceOutputs }) => ({ key: 'correct', score: Number(outputs.sum === referenceOutputs.sum) })],
});
assert.equal(results.results.length, 3);
await client.awaitPendingTraceBatches();
const project = await until(async () => {
  const read = await client.readProject({ projectName: results.experimentName, includeStats: true });
  return read.feedback_stats?.correct?.n === 3 && read;
});
assert.ok(Math.abs(project.feedback_stats.correct.avg - 2 / 3) < 1e-9);
assert.equal(project.reference_dataset_id, dataset.id);
console.log('experiment fine');
process.exit(0);
