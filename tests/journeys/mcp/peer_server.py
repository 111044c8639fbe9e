"""A server by the official Python SDK: python peer_server.py stdio | http PORT."""
import pathlib
import sys

import anyio
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
async def slow(steps: int, ctx: Context, after: str = "") -> str:
    """Takes its time; not before there is a file of the name `after`, if one is given."""
    while after and not pathlib.Path(after).exists():
        await anyio.sleep(0.02)
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
    return f"{steps} steps"


@server.tool()
async def hang(marker: str) -> str:
    """Waits until it is cancelled, and says so in a file."""
    path = pathlib.Path(marker)
    path.write_text("begun")
    try:
        await anyio.sleep(600)
    except anyio.get_cancelled_exc_class():
        path.write_text("cancelled")
        raise
    return "waited"


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
