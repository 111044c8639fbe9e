// Every method of LangGraph's client for JavaScript against Slipway: prints {"threads.getState": "served"}, or fails.
// Methods that are not in `calls` fail, so a new one of the SDK cannot be passed over.
import assert from "node:assert/strict";
import { Client } from "@langchain/langgraph-sdk";

const [, , apiUrl, apiKey] = process.argv;
const client = new Client({ apiUrl, apiKey, callerOptions: { maxRetries: 0 } });
const parts = ["assistants", "threads", "runs", "crons", "store"];
const plumbing = new Set(["constructor", "fetch", "prepareFetchOptions", "streamWithRetry"]);
const input = { topic: "x" };
const notes = ["before x", "after"];
const metadata = { of: "js methods" };

async function things() {
  const { assistant_id: assistant } = await client.assistants.create({ graphId: "quick", name: "of a test" });
  const { thread_id: thread } = await client.threads.create({ metadata });
  await client.runs.wait(thread, "quick", { input });
  const [{ run_id: run }] = await client.runs.list(thread);
  const { thread_id: slow } = await client.threads.create({ metadata });
  const { run_id: slowRun } = await client.runs.create(slow, "slow", { input });
  await client.store.putItem(["js"], "k", { n: 1 });
  const { cron_id: cron } = await client.crons.create("quick", { schedule: "0 0 1 1 *", input, metadata });
  return { assistant, thread, run, slow, slowRun, cron };
}

async function clean() {
  const threads = await client.threads.search({ metadata, limit: 100 });
  await client.threads.prune(threads.map((one) => one.thread_id));
  for (const one of await client.crons.search({ metadata, limit: 100 })) await client.crons.delete(one.cron_id);
}

async function events(stream) {
  const told = [];
  for await (const part of stream) told.push(part.event);
  return told;
}

async function joined(thread) {
  for await (const part of client.threads.joinStream(thread, { lastEventId: "-" }))
    if (part.data?.status === "run_done") return true;
}

async function live() {
  const stream = client.threads.stream({ assistantId: "quick" });
  await stream.run.start({ input });
  const output = await stream.output;
  await stream.close();
  return output.notes;
}

// Name: [what is called, what must be true of what it gives]
const streamed = ["metadata", "values", "values", "values"];
const calls = {
  "assistants.count": [() => client.assistants.count({ graphId: "outer" }), (r) => r === 1],
  "assistants.create": [() => client.assistants.create({ graphId: "desk" }), (r) => r.version === 1],
  "assistants.delete": [(t) => client.assistants.delete(t.assistant), () => true],
  "assistants.get": [(t) => client.assistants.get(t.assistant), (r) => r.graph_id === "quick"],
  "assistants.getGraph": [() => client.assistants.getGraph("quick"), (r) => r.nodes.length === 4],
  "assistants.getSchemas": [() => client.assistants.getSchemas("quick"), (r) => r.graph_id === "quick"],
  "assistants.getSubgraphs": [() => client.assistants.getSubgraphs("outer"), (r) => "sub" in r],
  "assistants.getVersions": [(t) => client.assistants.getVersions(t.assistant), (r) => r.length === 1],
  "assistants.search": [() => client.assistants.search({ graphId: "desk" }), (r) => r.length >= 1],
  "assistants.setLatest": [(t) => client.assistants.setLatest(t.assistant, 1), (r) => r.version === 1],
  "assistants.update": [(t) => client.assistants.update(t.assistant, { name: "m" }), (r) => r.name === "m"],
  "threads.copy": [(t) => client.threads.copy(t.thread), (r) => r.thread_id],
  "threads.count": [() => client.threads.count({ metadata }), (r) => r >= 1],
  "threads.create": [() => client.threads.create({ metadata }), (r) => r.status === "idle"],
  "threads.delete": [(t) => client.threads.delete(t.thread), () => true],
  "threads.get": [(t) => client.threads.get(t.thread), (r) => r.values.topic === "x"],
  "threads.getHistory": [(t) => client.threads.getHistory(t.thread), (r) => r.length === 4],
  "threads.getState": [(t) => client.threads.getState(t.thread), (r) => r.next.length === 0],
  "threads.joinStream": [(t) => joined(t.thread), (r) => r],
  "threads.patchState": [
    async (t) => { await client.threads.patchState(t.thread, { a: 1 }); return client.threads.getState(t.thread); },
    (r) => r.metadata.a === 1],
  "threads.prune": [(t) => client.threads.prune([t.thread]), (r) => r.pruned_count === 1],
  "threads.search": [(t) => client.threads.search({ ids: [t.thread] }), (r) => r.length === 1],
  "threads.stream": [live, (r) => assert.deepEqual(r, notes) ?? true],
  "threads.update": [(t) => client.threads.update(t.thread, { metadata: { a: 1 } }), (r) => r.metadata.a === 1],
  "threads.updateState": [
    (t) => client.threads.updateState(t.thread, { values: { notes: ["m"] }, asNode: "before" }), (r) => r],
  "runs.cancel": [(t) => client.runs.cancel(t.slow, t.slowRun, true), () => true],
  "runs.cancelMany": [(t) => client.runs.cancelMany({ threadId: t.slow, runIds: [t.slowRun] }), () => true],
  "runs.create": [(t) => client.runs.create(t.thread, "quick", { input }), (r) => r.run_id],
  "runs.createBatch": [() => client.runs.createBatch([{ assistantId: "quick", input }]), (r) => r.length === 1],
  "runs.delete": [(t) => client.runs.delete(t.thread, t.run), () => true],
  "runs.get": [(t) => client.runs.get(t.thread, t.run), (r) => r.status === "success"],
  "runs.join": [(t) => client.runs.join(t.thread, t.run), (r) => assert.deepEqual(r.notes, notes) ?? true],
  "runs.joinStream": [
    (t) => events(client.runs.joinStream(t.thread, t.run, { streamMode: "values" })),
    (r) => assert.deepEqual(r, streamed) ?? true],
  "runs.list": [(t) => client.runs.list(t.thread), (r) => r.length === 1],
  "runs.stream": [
    (t) => events(client.runs.stream(t.thread, "quick", { input })), (r) => assert.deepEqual(r, streamed) ?? true],
  "runs.wait": [() => client.runs.wait(null, "quick", { input }), (r) => assert.deepEqual(r.notes, notes) ?? true],
  "crons.count": [() => client.crons.count({ metadata }), (r) => r === 1],
  "crons.create": [
    () => client.crons.create("quick", { schedule: "0 0 1 1 *", timezone: "UTC", input, metadata }),
    (r) => r.next_run_date && r.timezone === "UTC"],
  "crons.createForThread": [
    (t) => client.crons.createForThread(t.thread, "quick", { schedule: "@daily", input }), (r) => r.thread_id],
  "crons.delete": [(t) => client.crons.delete(t.cron), () => true],
  "crons.search": [() => client.crons.search({ metadata }), (r) => r.length === 1],
  "crons.update": [(t) => client.crons.update(t.cron, { enabled: false }), (r) => r.enabled === false],
  "store.deleteItem": [() => client.store.deleteItem(["js"], "k"), () => true],
  "store.getItem": [() => client.store.getItem(["js"], "k"), (r) => r.value.n === 1],
  "store.listNamespaces": [() => client.store.listNamespaces({ prefix: ["js"] }), (r) => r.namespaces.length === 1],
  "store.putItem": [() => client.store.putItem(["js"], "k2", { n: 2 }), () => true],
  "store.searchItems": [() => client.store.searchItems(["js"], { filter: { n: 1 } }), (r) => r.items.length === 1],
};

function methods() {
  const names = [];
  for (const part of parts)
    for (let of = client[part]; of && of !== Object.prototype; of = Object.getPrototypeOf(of))
      for (const name of Object.getOwnPropertyNames(of))
        if (typeof client[part][name] === "function" && !plumbing.has(name)) names.push(`${part}.${name}`);
  return [...new Set(names)].sort();
}

const told = {};
assert.deepEqual(Object.keys(calls).sort(), methods(), "a method of the SDK has no test");
for (const name of methods()) {
  const [call, check] = calls[name];
  try {
    const given = await call(await things());
    assert.ok(check(given), `${name} gave ${JSON.stringify(given)}`);
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
  told[name] = "served";
  await clean();
}
console.log(JSON.stringify(told));
process.exit(0);  // A stream that was left halfway may be open still.
