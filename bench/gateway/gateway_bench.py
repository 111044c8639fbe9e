"""Measures the gateway beside nginx's proxy and LiteLLM: the same model server, load and machine, in one run.

Called by bench/run.py (`tools/bench.sh --only gateway`). The model server and the generator of load are src/gateway/load_bench.cpp,
one thread each. Latencies are of an open loop: a request counts from the moment that it was due. All log their requests.
"Added" is over asking the model server itself at the same rate; half load is half of what Slipway's gateway can do at most,
found by a closed loop right before. CPU is of the proxy's processes alone, per request.
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = 3
CONNECTIONS = 64
KEY = "sk-bench-0123456789"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def family(pid):
    """The process and its children."""
    pids = [pid]
    for one in pids:
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    return pids


class Proxy:
    """Something that answers at a port, its processes and what they use."""

    def __init__(self, name, port, command=None, environment=None, log=None, path="/health/live"):
        self.name, self.port, self.process = name, port, None
        if command:
            begin = time.perf_counter()
            self.process = subprocess.Popen([str(part) for part in command], stdout=log or subprocess.DEVNULL,
                                            stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
            self.ready_ms = self._wait(path, begin)

    def _wait(self, path, begin):
        while time.perf_counter() - begin < 120:
            if self.process.poll() is not None:
                sys.exit(f"bench: {self.name} ended at its start")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=1):
                    return (time.perf_counter() - begin) * 1000
            except urllib.error.HTTPError:
                return (time.perf_counter() - begin) * 1000
            except OSError:
                time.sleep(0.002)
        sys.exit(f"bench: {self.name} does not answer")

    def cpu_seconds(self):
        ticks = 0
        for pid in family(self.process.pid):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, of="Pss"):
        total = 0
        for pid in family(self.process.pid):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(f"{of}:"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


NGINX = """
worker_processes 2; pid {work}/nginx.pid; error_log {work}/nginx.err; daemon off;
events {{ worker_connections 4096; }}
http {{
  access_log {work}/nginx.log;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  keepalive_requests 1000000;
  upstream model {{ server 127.0.0.1:{model}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""


def added(rounds, name, figure):
    """By a proxy, over what the model server takes when it is asked itself."""
    proxy, direct = (statistics.median(one[figure] for one in rounds[which]) for which in (name, "direct"))
    return proxy - direct


class GatewayBench:
    def __init__(self, program, load_bench, work, say, litellm=None, seconds=8.0):
        self.program, self.load_bench, self.work, self.say, self.litellm, self.seconds = program, load_bench, work, say, litellm, seconds
        self.work.mkdir(parents=True, exist_ok=True)
        self.model = subprocess.Popen([str(load_bench), "serve"], stdout=subprocess.PIPE, text=True)
        self.model_port = int(self.model.stdout.readline())
        self.proxies = []
        self.bodies = {}
        for name, size in (("small", 1_000), ("large", 10_000)):
            self.bodies[name] = self._body(name, size, False)
        self.bodies["stream"] = self._body("stream", 1_000, True)

    def _body(self, name, size, stream):
        path = self.work / f"{name}.json"
        text = "All work and no play makes a long prompt. " * (size // 42)
        path.write_text(json.dumps({"model": "mock", "messages": [{"role": "user", "content": text}], "stream": stream},
                                   separators=(",", ":")))
        return path

    def start_slipway(self):
        port = free_port()
        config = {"data": str(self.work / "data"), "models": {"mock": {
            "provider": "openai", "base_url": f"http://127.0.0.1:{self.model_port}/v1", "api_key": "env:BENCH_KEY"}}}
        path = self.work / "slipway.yaml"
        path.write_text(json.dumps(config))
        log = (self.work / "slipway.log").open("wb")
        # Without models in its folder: what is measured is the gateway.
        (self.work / "no-models").mkdir(exist_ok=True)
        return self._add(Proxy("slipway", port, [self.program, "serve", "--config", path, "--port", port],
                               {"BENCH_KEY": KEY, "SLIPWAY_MODELS": str(self.work / "no-models")}, log, "/health/ready"))

    def start_nginx(self):
        port = free_port()
        path = self.work / "nginx.conf"
        path.write_text(NGINX.format(work=self.work, model=self.model_port, port=port))
        return self._add(Proxy("nginx", port, ["/usr/sbin/nginx", "-p", self.work, "-c", path], path="/"))

    def start_litellm(self):
        port = free_port()
        path = self.work / "litellm.yaml"
        path.write_text(json.dumps({"model_list": [{"model_name": "mock", "litellm_params": {
            "model": "openai/mock", "api_base": f"http://127.0.0.1:{self.model_port}/v1", "api_key": KEY}}]}))
        log = (self.work / "litellm.log").open("wb")
        command = [self.litellm, "--config", path, "--port", port, "--host", "127.0.0.1", "--num_workers", "1"]
        return self._add(Proxy("litellm", port, command, {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}, log, "/health/liveliness"))

    def _add(self, proxy):
        self.proxies.append(proxy)
        return proxy

    def load(self, port, body="small", rate=0.0, seconds=None, connections=CONNECTIONS):
        command = [self.load_bench, "load", port, self.bodies[body], rate, seconds or self.seconds, connections]
        if body == "stream":
            command.append("stream")
        result = json.loads(subprocess.check_output([str(part) for part in command]))
        if result["errors"] or result["lost"]:
            self.say(f"{result['errors']} errors, {result['lost']} lost at port {port}")
        return result

    def with_cpu(self, proxy, **load):
        before = proxy.cpu_seconds()
        result = self.load(proxy.port, **load)
        result["cpu_us"] = (proxy.cpu_seconds() - before) / max(1, result["answers"]) * 1e6
        return result

    def run(self, add):
        """`add` is the table: rows with and without a peer."""
        raw = {}
        slipway, nginx = self.start_slipway(), self.start_nginx()
        idle_mb = slipway.memory_mb()
        direct = Proxy("direct", self.model_port)
        rounds = {name: [] for name in ("slipway", "nginx")}
        for proxy in (slipway, nginx):
            self.load(proxy.port, seconds=2)
        for number in range(ROUNDS):
            self.say(f"gateway: most requests, round {number + 1} of {ROUNDS}")
            for proxy in (slipway, nginx):
                rounds[proxy.name].append(self.with_cpu(proxy, seconds=self.seconds / 2))
        raw["most"] = rounds
        most = {name: statistics.median(one["rate"] for one in taken) for name, taken in rounds.items()}
        cpu = {name: statistics.median(one["cpu_us"] for one in taken) for name, taken in rounds.items()}
        add.add("gateway, most requests", most["slipway"], most["nginx"], unit="req/s", better="higher", bar=0.5)
        add.add("gateway, CPU a request", cpu["slipway"], cpu["nginx"], unit="us", better="lower")
        raw["half"] = self.latencies(add, [slipway, nginx], direct, most["slipway"] / 2)
        raw["own_half"] = self.beside_own_half(add, raw["half"]["small"], nginx, direct, most["nginx"] / 2)
        raw["stream"] = self.streams(add, slipway, nginx, direct, most["slipway"] / 8)
        add.add_limit("gateway, idle memory", idle_mb, 40, unit="MB")
        add.add_limit("gateway, ready", self.restart(slipway), 300, unit="ms")
        raw["memory"] = self.flat_memory(add)
        if self.litellm:
            raw["litellm"] = self.beside_litellm(add, cpu["slipway"])
        return raw

    def latencies(self, add, proxies, direct, rate):
        raw = {}
        for body in ("small", "large"):
            taken = {proxy.name: [] for proxy in (direct, *proxies)}
            for number in range(ROUNDS):
                self.say(f"gateway: {body} bodies at {rate:.0f} requests/s, round {number + 1} of {ROUNDS}")
                for proxy in (direct, *proxies):
                    taken[proxy.name].append(self.load(proxy.port, body=body, rate=rate))
            raw[body] = taken

            note = f"open loop, {rate:.0f} req/s, {body} body"
            for figure, limit in (("p50_us", 100), ("p99_us", 300)):
                ours, theirs = added(taken, "slipway", figure), added(taken, "nginx", figure)
                if body == "small":
                    # Within the figure, or within half more than nginx's in the same run.
                    bar = max(limit, 1.5 * theirs) if figure == "p50_us" else limit
                    add.add_limit(f"gateway, added {figure[:3]}", ours, bar, unit="us", note=f"nginx {theirs:.0f}; {note}")
                else:
                    add.add(f"gateway, added {figure[:3]}, 10 kB", ours, theirs, unit="us", better="lower", note=note)
        return raw

    def beside_own_half(self, add, half, nginx, direct, rate):
        """What half load costs depends on what a proxy can do at most: how nginx does at half of its own most."""
        taken = {"direct": [], "nginx": []}
        for number in range(ROUNDS):
            self.say(f"gateway: nginx at {rate:.0f} requests/s, round {number + 1} of {ROUNDS}")
            for proxy in (direct, nginx):
                taken[proxy.name].append(self.load(proxy.port, rate=rate))
        for figure in ("p50_us", "p99_us"):
            add.add(f"gateway, added {figure[:3]}, each at half of its own most", added(half, "slipway", figure), added(taken, "nginx", figure),
                    unit="us", better="lower", bar=0.67, note=f"nginx at {rate:.0f} req/s")
        return taken

    def streams(self, add, slipway, nginx, direct, rate):
        self.say("gateway: streams")
        taken = {proxy.name: self.load(proxy.port, body="stream", rate=rate) for proxy in (direct, slipway, nginx)}
        ours, theirs = (taken[name]["first_p50_us"] - taken["direct"]["first_p50_us"] for name in ("slipway", "nginx"))
        add.add_limit("gateway, added to first token", ours / 1000, 0.5, unit="ms", note=f"nginx {theirs / 1000:.2f}; {rate:.0f} streams/s")
        return taken

    def restart(self, slipway):
        times = []
        for _ in range(3):
            slipway.stop()
            self.proxies.remove(slipway)
            slipway = self.start_slipway()
            times.append(slipway.ready_ms)
        self.slipway = slipway
        return statistics.median(times)

    def flat_memory(self, add, requests=200_000):
        """Of the program's own memory, without pages of files, which are the system's to keep. Runs that are recorded fill memory and
        leave it for a file again and again: what is held at least in each quarter is compared, the second's with the last's."""
        self.say(f"gateway: memory over {requests} requests")
        proxy = self.slipway
        samples, done = [], 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            while done < requests * 4 / 3:  # The first quarter fills what is filled once.
                running = pool.submit(self.load, proxy.port, body="stream" if done % 5 == 4 else "small", seconds=3)
                while not running.done():
                    samples.append(proxy.memory_mb("Pss_Anon"))
                    time.sleep(0.1)
                done += running.result()["answers"]
        quarter = len(samples) // 4
        before, after = min(samples[quarter:2 * quarter]), min(samples[-quarter:])
        add.add_limit(f"gateway, memory grown in {done * 3 // 4000}k requests", max(after - before, 0.01), 4, unit="MB", note=f"from {before:.0f} MB")
        return {"samples": samples, "requests": done}

    def beside_litellm(self, add, our_cpu):
        self.say("gateway: LiteLLM")
        litellm = self.start_litellm()
        self.load(litellm.port, seconds=3, connections=4)
        most = self.with_cpu(litellm, seconds=8, connections=8)
        rate = most["rate"] / 2
        taken = {proxy.name: self.load(proxy.port, rate=rate) for proxy in (litellm, self.slipway)}
        base = self.load(self.model_port, rate=rate)
        note = f"{rate:.0f} req/s, half of LiteLLM's most"
        add.add("gateway, CPU a request beside LiteLLM", our_cpu, most["cpu_us"], unit="us", better="lower")
        add.add("gateway, added p50 beside LiteLLM", taken["slipway"]["p50_us"] - base["p50_us"], taken["litellm"]["p50_us"] - base["p50_us"],
                unit="us", better="lower", note=note)
        add.add("gateway, memory beside LiteLLM", self.slipway.memory_mb(), litellm.memory_mb(), unit="MB", better="lower")
        return {"most": most, "half": taken, "ready_ms": litellm.ready_ms}

    def close(self):
        for proxy in self.proxies:
            proxy.stop()
        self.model.terminate()
        self.model.wait()
