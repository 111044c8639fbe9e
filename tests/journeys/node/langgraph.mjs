// The unmodified LangGraph SDK for Node against Slipway: prints what it was told, as JSON.
import { Client } from "@langchain/langgraph-sdk";

const [, , apiUrl, apiKey] = process.argv;
const client = new Client({ apiUrl, apiKey });
const told = {};

const thread = await client.threads.create({ metadata: { from: "node" } });
const streamMode = ["updates", "values"];
told.modes = [];
const input = { topic: "cats", messages: [{ type: "human", content: "hello" }] };
for await (const part of client.runs.stream(thread.thread_id, "desk", { input, streamMode })) told.modes.push(part.event);
told.status = (await client.threads.get(thread.thread_id)).status;

const state = await client.threads.getState(thread.thread_id);
told.message = state.values.messages[0].type;
const answer = { [state.tasks[0].interrupts[0].id]: "fine" };
told.verdict = (await client.runs.wait(thread.thread_id, "desk", { command: { resume: answer } })).verdict;
const history = await client.threads.getHistory(thread.thread_id);
told.steps = history.map((one) => one.metadata.step);

await client.threads.updateState(thread.thread_id, { values: { notes: ["more"] }, asNode: "plan", checkpoint: history[3].checkpoint });
told.next = (await client.threads.getState(thread.thread_id)).next;
told.runs = (await client.runs.list(thread.thread_id)).map((run) => run.status);
told.assistants = (await client.assistants.search({ graphId: "desk" })).length;

await client.store.putItem(["node"], "k", { n: 1 });
told.item = (await client.store.getItem(["node"], "k")).value;
told.failed = await client.runs.wait(null, "fails", { input: { topic: "x" } }).then(() => "no", (error) => String(error));

// A thread that is followed rather than a run: version 3 of the protocol.
const live = client.threads.stream({ assistantId: "desk" });
told.lives = [];
const watching = (async () => {
  for await (const event of await live.subscribe("lifecycle")) {
    told.lives.push(event.params.data.event);
    if (event.params.data.event === "interrupted") return;
  }
})();
await live.run.start({ input: { topic: "cats" } });
await watching;
while (!live.interrupted) await new Promise((resolve) => setTimeout(resolve, 20));
await live.input.respond({ namespace: [], interrupt_id: live.interrupts[0].interruptId, response: "fine" });
told.live = (await live.output).verdict;
await live.close();

const calm = await client.threads.create();
await client.runs.wait(calm.thread_id, "quick", { input: { topic: "x" } });
told.joined = [];
for await (const part of client.threads.joinStream(calm.thread_id, { lastEventId: "-" })) {
  told.joined.push(part.event);
  if (part.data.status === "run_done") break;
}
await client.threads.delete(thread.thread_id);
console.log(JSON.stringify(told));
process.exit(0);  // A stream that was left halfway may be open still.
