"""examples/custom_route: an endpoint of one's own in under 40 lines, with everything that a typed route has."""
import http.client
import json
import os
import subprocess

import pytest
from conftest import ROOT


@pytest.fixture
def example(program, slipway):
    path = program.resolve().parent.parent / "examples" / "custom_route"
    assert path.is_file(), f"{path} is not there; run 'make build'"
    process = subprocess.Popen([path, "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, **slipway.environment})
    address = process.stdout.readline().strip().removeprefix("http://")
    assert address, "the example did not start"
    yield address
    process.stdin.close()
    assert process.wait(20) == 0


def call(address, method, path, body=None):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request(method, path, body if body is None else json.dumps(body), {"Content-Type": "application/json"} if body else {})
    reply = connection.getresponse()
    return reply.status, reply.read().decode()


def test_a_model_of_one_s_own_is_served_with_validation_and_a_document(example):
    status, body = call(example, "POST", "/api/similarity", {"a": "a small dog", "b": "a little puppy"})
    near = json.loads(body)["cosine"]
    _, body = call(example, "POST", "/api/similarity", {"a": "a small dog", "b": "the annual tax report"})
    assert status == 200 and 0.5 < near <= 1.001 and near > json.loads(body)["cosine"]
    status, body = call(example, "POST", "/api/similarity", {"a": "x", "c": 1})
    assert status == 400 and {e["path"] for e in json.loads(body)["errors"]} == {"/body/b", "/body/c"}
    document = json.loads(call(example, "GET", "/openapi.json")[1])
    assert document["components"]["schemas"]["Texts"]["required"] == ["a", "b"]
    assert call(example, "GET", "/docs")[0] == 200


def test_the_example_is_short():
    source = (ROOT / "examples" / "custom_route" / "main.cpp").read_text()
    code = [line for line in source.splitlines() if line.strip() and not line.strip().startswith("//")]
    assert len(code) < 40

