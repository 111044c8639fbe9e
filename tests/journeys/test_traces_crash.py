"""Whatever ends the server, every trace that was acknowledged is there afterwards, whole."""
import concurrent.futures
import http.client
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
import uuid

import pytest
import spans
from serving import serve

ROUNDS = 6
SENDERS = 4


def batch(sender, number):
    """Three runs of one trace, with enough text that memory fills and files are written."""
    root = str(uuid.uuid4())
    runs = []
    for place in range(3):
        run = root if place == 0 else str(uuid.uuid4())
        runs.append({"id": run, "trace_id": root, "parent_run_id": None if place == 0 else root, "name": f"s{sender}-{number}-{place}",
                     "run_type": "chain", "start_time": "2026-11-23T08:00:00", "end_time": "2026-11-23T08:00:01",
                     "inputs": {"noise": os.urandom(20_000).hex(), "mark": f"mark{sender}x{number}"}})
    return root, {"post": runs, "patch": []}


def send_until_dead(server, sender, taken, stop):
    number = 0
    while not stop.is_set():
        root, body = batch(sender, number)
        number += 1
        try:
            if server.post("/langsmith/runs/batch", body).status == 202:
                taken.append((root, f"mark{sender}x{number - 1}"))
        except (OSError, http.client.HTTPException):
            return


def test_kill_9_loses_nothing_that_was_acknowledged(slipway):
    chance = random.Random(7)
    taken = []
    for _ in range(ROUNDS):
        stop = threading.Event()
        server = serve(slipway)
        with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(send_until_dead, server, sender, taken, stop) for sender in range(SENDERS)]
            time.sleep(chance.uniform(0.5, 3))
            server.process.kill()
            server.process.wait()
            stop.set()
            for sender in senders:
                sender.result()
    assert len(taken) > 50
    with serve(slipway) as server:
        missing = []
        for root, mark in taken:
            reply = server.get(f"/api/traces/{root}")
            if reply.status != 200 or reply.json["run_count"] != 3 or reply.json["roots"][0]["inputs"]["mark"] != mark:
                missing.append((root, reply.status))
        assert missing == []
        root, mark = taken[len(taken) // 2]
        found = server.get(f"/api/traces?q={mark}").json["items"]
        assert root in [item["id"] for item in found]
        total = server.get("/api/traces/stats").json
        assert total["traces"] >= len(taken) and total["runs"] == 3 * total["traces"]


def cost_of_all(server):
    return server.get("/api/costs").json["total_usd"]


def reprice(server, price_id):
    return server.post("/api/prices/reprice", {"price_id": price_id}).json


def reprice_until_dead(server, price_id):
    try:
        reprice(server, price_id)
    except (OSError, http.client.HTTPException, ValueError):
        pass


def put_price(server, price):
    reply = server.request("PUT", "/api/prices/gpt-4o", {"input_cost_per_token": price})
    assert reply.status == 201, reply
    return reply.json["price_id"]


def test_kill_9_while_runs_are_priced_again_leaves_all_old_prices_or_all_new_ones(slipway):
    chance = random.Random(11)
    price, count = 1e-6, 6000
    with serve(slipway) as server:
        spans.send(server, [spans.chat(spans.trace_id(f"call {i}"), "chat", i, 5, "gpt-4o", [("user", f"{i}?")], "yes", (100, 0))
                            for i in range(count)])
        began = time.monotonic()
        assert reprice(server, put_price(server, price))["runs"] == count
        duration = time.monotonic() - began
    for _ in range(ROUNDS):
        server = serve(slipway)
        before, price = cost_of_all(server), price * 2
        price_id = put_price(server, price)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(reprice_until_dead, server, price_id)
            time.sleep(chance.uniform(0, 1.2 * duration))
            server.process.kill()
            server.process.wait()
            asked.result()
        expected = count * 100 * price
        with serve(slipway) as server:
            after = cost_of_all(server)
            assert after == pytest.approx(before) or after == pytest.approx(expected), (before, after, expected)
            assert reprice(server, price_id)["after_usd"] == pytest.approx(expected)
            assert cost_of_all(server) == pytest.approx(expected)
            assert server.get("/api/traces/stats").json["runs"] == count


def test_others_read_beside_a_server_and_do_not_write(slipway):
    with serve(slipway) as server:
        root, body = batch(0, 0)
        assert server.post("/langsmith/runs/batch", body).status == 202
        assert slipway.result("traces", "show", root)["run_count"] == 3
        second = slipway.fails(1, "serve", "--port", 0)
        assert "another process has the traces" in second.err


@pytest.mark.timeout(180)
@pytest.mark.parametrize("room", [8, 120])
def test_a_full_disk_is_told_and_loses_nothing(slipway, tmp_path, room):
    """In a namespace of its own. The smaller one has no room for the journal, the larger one none for the files out of memory."""
    mount = tmp_path / "disk"
    mount.mkdir()
    program = pathlib.Path(__file__).with_name("full_disk_traces.py")
    slipway.data = mount / "data"
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", sys.executable, program, str(mount), str(room),
                           *slipway.command("serve", "--port", 0)],
                          cwd=slipway.folder, env=slipway.environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
