"""full_disk.py MOUNT MEGABYTES COMMAND...: runs an ingest on a disk that is too small, then on one with room.

Run inside a mount namespace. The documents of the first run that were acknowledged must still be there in the second.
"""
import json
import subprocess
import sys

mount, room, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


def run(arguments, expected):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode not in expected:
        sys.exit(f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def listed():
    data = command[command.index("--data") + 1]
    found = run([command[0], "documents", "list", "--limit", "10000", "--json", "--data", data], (0, 1))
    return {item["path"]: item["content_hash"] for item in json.loads(found.stdout)["items"]} if found.returncode == 0 else {}


subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}m", "none", mount], check=True)
first = run([*command, "--json"], (0, 1))
if first.returncode == 1 and "disk" not in first.stderr + first.stdout and "space" not in first.stderr + first.stdout:
    sys.exit(f"the error does not say that the disk is full:\n{first.stdout}\n{first.stderr}")
subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)
before = listed()
run([*command, "--json"], (0,))
after = listed()
if any(after.get(path) != digest for path, digest in before.items()) or len(after) != 160:
    sys.exit(f"documents were lost: {len(before)} before, {len(after)} after")
data = command[command.index("--data") + 1]
run([command[0], "doctor", "--data", data], (0,))
print(f"{len(before)} of {len(after)} documents fitted; exit {first.returncode}")
