// The official SDK against a server: node sdk.mjs URL, or node sdk.mjs -- COMMAND ARGUMENT...
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [first, command, ...args] = process.argv.slice(2);
const transport = first === "--"
  ? new StdioClientTransport({ command, args, env: process.env })
  : new StreamableHTTPClientTransport(new URL(first));
const client = new Client({ name: "journey", version: "1" });
await client.connect(transport);
const { tools } = await client.listTools();
const search = await client.callTool({ name: "search", arguments: { query: "How long are traces kept?" } });
const { resources } = await client.listResources();
const document = resources.find((one) => one.uri.includes("/documents/"));
const read = await client.readResource({ uri: document.uri });
console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), search, resources, read,
  server: client.getServerVersion() }));
await client.close();
