// The official SDK begins a call of agent_writer and cancels it when it is told a line; a second one ends it: node cancel.mjs URL | -- COMMAND...
import { createInterface } from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [first, command, ...args] = process.argv.slice(2);
const transport = first === "--"
  ? new StdioClientTransport({ command, args, env: process.env })
  : new StreamableHTTPClientTransport(new URL(first));
const client = new Client({ name: "journey", version: "1" });
await client.connect(transport);
const progress = [];
const abort = new AbortController();
const call = client
  .callTool({ name: "agent_writer", arguments: { topic: "ships" } }, undefined,
    { signal: abort.signal, onprogress: (one) => progress.push(one.message) })
  .then(() => "ended", () => "cancelled");
const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await orders.next();
abort.abort("enough");
const ended = await call;
const { tools } = await client.listTools();
console.log(JSON.stringify({ ended, progress, tools: tools.map((tool) => tool.name) }));
await orders.next();
process.exit(0);
