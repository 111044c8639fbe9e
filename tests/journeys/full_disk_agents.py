"""full_disk_agents.py MOUNT MEGABYTES LEDGER COMMAND...: a server runs an agent until the disk is full, then on one with room, then starts again.

Run inside a mount namespace. LEDGER is a file outside of the mount where each effect that was made has a line. What the run
had done stays done, no effect is made twice, and the budget is exact.
"""
import collections
import http.server
import json
import sys
import threading
import time

from full_disk_server import Served, give_room

mount, room, ledger, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:]
MOST = 60  # Rounds of the agent.


class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(ledger, "a") as file:
            file.write(f"{body} {self.headers['Idempotency-Key']}\n")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"true")

    def log_message(self, *_):
        pass


def paid():
    """{what: its keys}, in order."""
    found = collections.defaultdict(list)
    for line in open(ledger):
        what, key = line.split()
        found[what].append(key)
    return found


def check(holds, *said):
    if not holds:
        sys.exit(" ".join(map(str, said)))


def answers(result):
    """To what is asked about effects, by somebody who knows what happened."""
    keys = [key for keys in paid().values() for key in keys]
    return {one["id"]: {"done": True} if one["value"]["key"] in keys else {"retry": True}
            for one in result["interrupts"] if one["kind"] == "effect"}


shop = http.server.ThreadingHTTPServer(("127.0.0.1", port), Shop)
threading.Thread(target=shop.serve_forever, daemon=True).start()
give_room(mount, room)
server = Served(mount, command)


def ask(method, path, body=None):
    status, _, said = server.ask(method, path, body)
    return status, json.loads(said)


status, thread = ask("POST", "/api/threads", {"agent": "fill"})
check(status == 201, status, thread)
path = "/api/threads/" + thread["thread"]
status, result = ask("POST", path + "/runs", {"input": {"most": MOST}, "wait": True})
check(status == 200 and result["status"] == "failed", "the disk was not filled", status, str(result)[:500])
check(result["error"]["kind"] == "storage", result["error"])
full_at = len(result["state"].get("log", []))
check(0 < full_at < MOST, "it failed after", full_at, "rounds")
check(ask("GET", path + "/state")[1]["state"] == result["state"], "what was told is not what is kept")
check(ask("GET", f"{path}/runs/{result['run']}")[1]["status"] == "failed", ask("GET", f"{path}/runs/{result['run']}"))
# As long as there is no room each try is told so, and nothing more is paid.
before = paid()
status, again = ask("POST", path + "/resume", {"wait": True})
check(status >= 500 or again["status"] in ("failed", "interrupted"), status, str(again)[:500])
check(len(paid()) <= len(before) + 1, before, paid())

give_room(mount, 600, "remount,size")
known = again if "interrupts" in again else result
for _ in range(100):
    status, result = ask("POST", path + "/resume", {"wait": True, "answers": answers(known)})
    if status == 200 and result["status"] == "done":
        break
    check(status in (200, 409, 503), status, result)
    known = result if status == 200 else known
    time.sleep(0.1)
check(result["status"] == "done", "with room again it is", str(result)[:500])
state = result["state"]
check(state["log"] == list(range(MOST)) and len(state["texts"]) == MOST, state["log"])
check(list(paid()) == [str(n) for n in range(MOST)] and all(len(keys) == 1 for keys in paid().values()), paid())


def spent():
    (budget,) = ask("GET", "/api/budgets")[1]["items"]
    return budget["spent_tokens"], budget["reserved_tokens"]


for _ in range(100):
    if spent()[1] == 0:
        break
    time.sleep(0.1)
check(spent()[1] == 0 and spent()[0] >= 30 * MOST, spent())
# Calls that were open when the disk was full count in full.
check(spent()[0] <= 30 * MOST + 2 * 40, spent())
check(result["usage"]["tokens"] >= 30 * MOST, result["usage"])
tokens = spent()
time.sleep(1.5)  # The row of the run, if it had to wait for room.
server.stop()
server = Served(mount, command)
check(ask("GET", path + "/state")[1]["state"] == state, "the state is another one after a restart")
check(ask("GET", path)[1]["status"] == "idle", ask("GET", path))
check(spent() == tokens, spent(), tokens)
server.stop()
print(f"full after {full_at} of {MOST} rounds; {tokens[0]} tokens")
