"""`slipway serve` on a small file system of its own, for programs that run inside a mount namespace."""
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time


def give_room(mount, megabytes, options="size"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options}={megabytes}m", "none", mount], check=True)


class Served:
    def __init__(self, mount, command):
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

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit(f"the server ended badly\n{open(self.err.name).read()}")
