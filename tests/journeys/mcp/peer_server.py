"""A server by the official Python SDK: python peer_server.py stdio | http PORT."""
import sys

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import BaseModel

server = MCPServer("peer")


class Name(BaseModel):
    name: str


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Takes its time."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
    return f"{steps} steps"


@server.tool()
def fail() -> str:
    """Fails always."""
    raise ValueError("it always fails")


@server.tool()
def profile(name: str) -> dict[str, str]:
    """Structured."""
    return {"name": name, "greeting": f"Hello, {name}"}


if sys.argv[1] == "stdio":
    server.run("stdio")
else:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
