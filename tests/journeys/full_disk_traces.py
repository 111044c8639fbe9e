"""full_disk_traces.py MOUNT MEGABYTES COMMAND...: a server takes traces until the disk is full, then on one with room, then starts again.

Run inside a mount namespace. What was acknowledged must be there in the end.
"""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid

mount, room, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


class Served:
    def __init__(self):
        self.err = open(os.path.join(os.path.dirname(mount), "serve.err"), "w+")
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
        return reply.status, reply.headers, reply.read()

    def send(self):
        run = str(uuid.uuid4())
        body = {"post": [{"id": run, "trace_id": run, "name": "full", "run_type": "chain", "start_time": "2026-11-23T08:00:00",
                          "inputs": {"noise": os.urandom(200_000).hex()}}], "patch": []}
        status, headers, said = self.ask("POST", "/langsmith/runs/batch", body)
        return run, status, headers, said

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit(f"the server ended badly\n{open(self.err.name).read()}")


subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}m", "none", mount], check=True)
server, taken = Served(), []
for _ in range(6 * room):
    run, status, headers, said = server.send()
    if status != 202:
        break
    taken.append(run)
if status != 503 or "Retry-After" not in headers:
    sys.exit(f"a full disk was answered with {status} {said[:500]!r} after {len(taken)} traces")
if server.ask("GET", f"/api/traces/{taken[0]}")[0] != 200:
    sys.exit("a full disk keeps traces from being read")
subprocess.run(["mount", "-o", "remount,size=600m", mount], check=True)
for _ in range(200):
    run, status, headers, said = server.send()
    if status == 202:
        break
    time.sleep(0.1)
else:
    sys.exit(f"with room again it is still {status} {said[:500]!r}")
taken.append(run)
server.stop()
server = Served()
lost = [run for run in taken if server.ask("GET", f"/api/traces/{run}")[0] != 200]
server.stop()
if lost:
    sys.exit(f"{len(lost)} of {len(taken)} traces were lost")
print(f"{len(taken)} traces")
