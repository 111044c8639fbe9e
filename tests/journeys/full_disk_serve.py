"""full_disk_serve.py MOUNT MEGABYTES COMMAND...: a server that pays by a budget and runs agents, on a disk that becomes full, then on one with room,
then started again.

Run inside a mount namespace. Nobody is asked for money that cannot be written down; what was acknowledged must be there in the end.
"""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from upstreams import USAGE_IN, USAGE_OUT, Plan, Upstreams

mount, room, command = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
COST = (USAGE_IN * 1000 + USAGE_OUT * 2000) / 1_000_000
FILLER = mount / "filler"
AGENT = """\
name: clerk
input: [topic]
state: {topic: string, said: string, ok: any}
nodes:
  write: {llm: {model: writer, prompt: "{{topic}}", into: said, max_tokens: 50}}
  ask: {human: {ask: "Send it?", into: ok}}
edges: [START -> write, write -> ask, ask -> END]
"""


class Served:
    def __init__(self):
        self.err = open(mount.parent / "serve.err", "w+")
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.err)
        for _ in range(600):
            found = re.search(r"Slipway serves https?://\S+:(\d+)", open(self.err.name).read())
            if found or self.process.poll() is not None:
                break
            time.sleep(0.05)
        if not found:
            sys.exit(f"the server did not start\n{open(self.err.name).read()}")
        self.port = int(found[1])

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        said = reply.read().decode()
        return reply.status, json.loads(said) if said.startswith(("{", "[")) else said

    def chat(self):
        return self.ask("POST", "/v1/chat/completions",
                        {"model": "writer", "max_tokens": 50, "messages": [{"role": "user", "content": "hello"}]})

    def run(self):
        """(thread, status, result) of a run that has a long input."""
        status, made = self.ask("POST", "/api/threads", {"agent": "clerk"})
        if status != 201:
            return None, status, made
        status, told = self.ask("POST", f"/api/threads/{made['thread']}/runs",
                                {"input": {"topic": os.urandom(20_000).hex()}, "wait": True})
        return made["thread"], status, told

    def budget(self):
        status, told = self.ask("GET", "/api/budgets")
        check(status == 200, "a full disk keeps budgets from being read", told)
        (one,) = told["items"]
        return one

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit(f"the server ended badly\n{open(self.err.name).read()}")


def check(holds, why, *told):
    if not holds:
        sys.exit(f"{why}: {json.dumps(told)[:3000]}\n{open(mount.parent / 'serve.err').read()[-3000:]}")


def says_why(told):
    text = json.dumps(told)
    return "disk" in text or "space" in text


def fill():
    with open(FILLER, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                pass


def until(holds, why):
    told = None
    for _ in range(200):
        told = holds()
        if told:
            return told
        time.sleep(0.1)
    sys.exit(f"{why}\n{open(mount.parent / 'serve.err').read()[-3000:]}")


def until_refused(act, is_good):
    """What good ones gave, and the first that was not."""
    taken = []
    for _ in range(500):
        told = act()
        if not is_good(told):
            return taken, told
        taken.append(told)
    sys.exit("the disk is full and nobody noticed")


subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}m", "none", mount], check=True)
upstreams = Upstreams()
upstreams.plans["writer"] = lambda body: Plan(text="Said and paid.")
os.environ["VENDOR_KEY"] = "sk-of-the-vendor"
config = {"log": {"level": "error"}, "agents": {"clerk": {"file": "clerk.yaml"}}, "budgets": {"all": {"scope": {}, "limit_usd": 1000}},
          "models": {"writer": {"provider": "openai", "base_url": upstreams.base_url("openai"), "api_key": "env:VENDOR_KEY",
                                "price": {"input": 1000, "output": 2000}, "retries": 0}}}
pathlib.Path("clerk.yaml").write_text(AGENT)
pathlib.Path("slipway.yaml").write_text(json.dumps(config))

server = Served()
thread, status, first = server.run()
check(status == 200 and first["status"] == "interrupted", "a run with room", first)
check(server.chat()[0] == 200, "a call with room")
fill()

# Calls under a budget: what cannot be reserved on disk does not leave.
asked = len(upstreams.requests)
calls, (status, told) = until_refused(server.chat, lambda told: told[0] == 200)
check(status == 503 and says_why(told), "a call that cannot be reserved", status, told)
check(len(upstreams.requests) == asked + len(calls), "somebody was asked whom nobody can pay", told)

# Runs: what was acknowledged stays, what cannot be written fails by its name.
runs, (failed, status, told) = until_refused(server.run, lambda told: told[1] == 200 and told[2]["status"] == "interrupted")
kept = [thread, *(one[0] for one in runs)]
if status == 200:
    check(told["status"] == "failed" and told["error"]["kind"] == "storage" and says_why(told), "a run that cannot be written", told)
else:
    check(status == 503 and says_why(told), "a run that cannot be written", status, told)
answer = {"answers": {first["interrupts"][0]["id"]: "yes"}, "wait": True}
status, told = server.ask("POST", f"/api/threads/{thread}/resume", answer)
answered = status == 200 and told["status"] == "done"
check(answered or says_why(told), "an answer that cannot be written", status, told)
status, told = server.ask("GET", f"/api/threads/{thread}/state")
check(status == 200 and told["state"]["said"] == "Said and paid.", "a full disk keeps threads from being read", told)
before = len(upstreams.requests)
check(server.run()[1] != 200 or len(upstreams.requests) == before, "a call left without its reservation")

# Room again: the same process goes on.
FILLER.unlink()
until(lambda: server.chat()[0] == 200, "with room again calls are still refused")
last = until(lambda: (one := server.run())[1] == 200 and one[2]["status"] == "interrupted" and one, "with room again runs still fail")
kept.append(last[0])
if not answered:
    status, told = server.ask("POST", f"/api/threads/{thread}/resume", answer)
    if status != 200:  # The answer was taken and its run was not: it goes on without.
        status, told = server.ask("POST", f"/api/threads/{thread}/resume", {"wait": True})
    check(status == 200 and told["status"] == "done" and told["state"]["ok"] == "yes", "the answer after the disk was full", status, told)
paid = len(upstreams.requests) * COST
state = until(lambda: (one := server.budget())["reserved_usd"] == 0 and one, "reservations stay open")
check(abs(state["spent_usd"] - paid) < 1e-9, "the budget does not say what was spent", state, paid)
states = {one: server.ask("GET", f"/api/threads/{one}/state")[1]["state"] for one in kept}
server.stop()

server = Served()
for one, before in states.items():
    status, told = server.ask("GET", f"/api/threads/{one}/state")
    check(status == 200 and told["state"] == before and told["state"]["said"] == "Said and paid.", "a thread was lost", one, told)
check(abs(server.budget()["spent_usd"] - paid) < 1e-9, "the budget forgot something", server.budget(), paid)
check(server.chat()[0] == 200, "a call after all")
server.stop()
upstreams.close()
print(f"{len(calls)} calls and {len(runs)} runs fitted into what was left")
