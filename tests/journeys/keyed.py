"""A server that wants a key, for clients that would else listen to the environment of whoever runs the tests."""
import contextlib
import os

from serving import serve

KEY = "a-key-of-sufficient-length"


@contextlib.contextmanager
def keyed_server(slipway, monkeypatch, **config):
    for name in list(os.environ):
        if name.startswith(("LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SLIPWAY_TEST_KEY", KEY)
    config = {"keys": {"app": {"key": "env:SLIPWAY_TEST_KEY", "roles": ["admin"]}}, **config}
    with serve(slipway, config=config, environment={"SLIPWAY_TEST_KEY": KEY}) as running:
        yield running


def native(server, path):
    reply = server.get(path, headers={"x-api-key": KEY})
    assert reply.status == 200, reply
    return reply.json
