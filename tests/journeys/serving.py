"""`slipway serve` for journeys: started on a free port, spoken to over HTTP, ended by SIGTERM."""
import http.client
import json
import re
import signal
import threading
import time


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"{self.status} {dict(self.headers)}\n{self.body[:2000]!r}"


class Server:
    """Use as a context: `with serve(slipway, config={...}) as server: server.get("/health/ready")`."""

    def __init__(self, slipway, *arguments, config=None, environment=None):
        self.config_file = slipway.folder / "slipway.yaml"
        if config is not None:
            self.write_config(config)
            arguments = ("--config", self.config_file, *arguments)
        if "--port" not in arguments:
            arguments = ("--port", 0, *arguments)
        self.log, self.err = slipway.folder / "access.log", slipway.folder / "serve.err"
        self.process = slipway.start("serve", *arguments, environment=environment, stdout=self.log.open("wb"),
                                     stderr=self.err.open("wb"))
        self.host, self.port = "127.0.0.1", self._find_port()
        self.url = f"http://{self.host}:{self.port}"

    def write_config(self, config):
        self.config_file.write_text(json.dumps(config))  # JSON is YAML.

    def _find_port(self):
        for _ in range(600):
            found = re.search(r"Slipway serves https?://\S+:(\d+)", self.err.read_text())
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise AssertionError(f"the server did not start: exit {self.process.wait()}\n{self.err.read_text()}")

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def reload(self):
        """Returns once the server has said what became of the new configuration."""
        before = len(self.err.read_text())
        self.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            said = self.err.read_text()[before:]
            if "read anew" in said or "refused" in said:
                return said
            time.sleep(0.05)
        raise AssertionError("the server said nothing about its new configuration")

    def access_lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self, patience=45):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        watchdog = threading.Timer(patience, self.process.kill)
        watchdog.start()
        try:
            return self.process.wait()
        finally:
            watchdog.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        code = self.stop()
        assert code == 0, f"serve ended with {code}:\n{self.err.read_text()[-4000:]}"


def serve(slipway, *arguments, **more):
    return Server(slipway, *arguments, **more)
