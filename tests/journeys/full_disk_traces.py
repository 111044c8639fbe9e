"""full_disk_traces.py MOUNT MEGABYTES COMMAND...: a server takes traces until the disk is full, then on one with room, then starts again.

Run inside a mount namespace. What was acknowledged must be there in the end.
"""
import os
import sys
import time
import uuid

from full_disk_server import Served, give_room

mount, room, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


class Traces(Served):
    def send(self):
        run = str(uuid.uuid4())
        body = {"post": [{"id": run, "trace_id": run, "name": "full", "run_type": "chain", "start_time": "2026-11-23T08:00:00",
                          "inputs": {"noise": os.urandom(200_000).hex()}}], "patch": []}
        status, headers, said = self.ask("POST", "/langsmith/runs/batch", body)
        return run, status, headers, said


give_room(mount, room)
server, taken = Traces(mount, command), []
for _ in range(6 * room):
    run, status, headers, said = server.send()
    if status != 202:
        break
    taken.append(run)
if status != 503 or "Retry-After" not in headers:
    sys.exit(f"a full disk was answered with {status} {said[:500]!r} after {len(taken)} traces")
if server.ask("GET", f"/api/traces/{taken[0]}")[0] != 200:
    sys.exit("a full disk keeps traces from being read")
give_room(mount, 600, "remount,size")
for _ in range(200):
    run, status, headers, said = server.send()
    if status == 202:
        break
    time.sleep(0.1)
else:
    sys.exit(f"with room again it is still {status} {said[:500]!r}")
taken.append(run)
server.stop()
server = Traces(mount, command)
lost = [run for run in taken if server.ask("GET", f"/api/traces/{run}")[0] != 200]
server.stop()
if lost:
    sys.exit(f"{len(lost)} of {len(taken)} traces were lost")
print(f"{len(taken)} traces")
