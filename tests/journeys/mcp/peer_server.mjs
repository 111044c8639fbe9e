// A server by the official TypeScript SDK: node peer_server.mjs stdio | http PORT.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const text = (words) => ({ content: [{ type: "text", text: words }] });

function makeServer() {
  const server = new McpServer({ name: "peer", version: "1" });
  server.registerTool("add", { description: "Adds", inputSchema: { a: z.number(), b: z.number() } },
    async ({ a, b }) => text(String(a + b)));
  server.registerTool("slow", { inputSchema: { steps: z.number(), after: z.string().optional() } },
    async ({ steps }, extra) => {
      const progressToken = extra._meta?.progressToken;
      for (let progress = 1; progressToken !== undefined && progress <= steps; ++progress)
        await extra.sendNotification({
          method: "notifications/progress", params: { progressToken, progress, total: steps, message: `step ${progress}` } });
      return text(`${steps} steps`);
    });
  server.registerTool("hang", { inputSchema: { marker: z.string() } }, async ({ marker }, extra) => {
    writeFileSync(marker, "begun");
    await new Promise((resolve) => extra.signal.addEventListener("abort", resolve));
    writeFileSync(marker, "cancelled");
    return text("cancelled");
  });
  server.registerTool("profile",
    { inputSchema: { name: z.string() }, outputSchema: { name: z.string(), greeting: z.string() } },
    async ({ name }) => {
      const structuredContent = { name, greeting: `Hello, ${name}` };
      return { ...text(JSON.stringify(structuredContent)), structuredContent };
    });
  server.registerTool("fail", {}, async () => ({ ...text("Error executing tool fail"), isError: true }));
  return server;
}

const [, , transport, port] = process.argv;
if (transport === "stdio") {
  await makeServer().connect(new StdioServerTransport());
} else {
  const sessions = new Map();
  createServer(async (request, response) => {
    let session = sessions.get(request.headers["mcp-session-id"]);
    if (!session) {
      session = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID, onsessioninitialized: (id) => sessions.set(id, session) });
      await makeServer().connect(session);
    }
    await session.handleRequest(request, response);
  }).listen(Number(port), "127.0.0.1");
}
