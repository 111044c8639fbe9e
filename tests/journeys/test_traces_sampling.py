"""Of what clients send whole traces are kept or left out, by their ids; what failed or was slow stays, and what was left out is counted."""
import datetime
import time
import uuid

import langsmith
import pytest
from serving import serve

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*deprecated", "ignore::UserWarning")
SAMPLING = {"rate": 0.25, "keep_slower_ms": 5000}
START = 1_795_420_800_000_000_000
MILLISECOND = 1_000_000


def span(trace, number, parent=None, length_ms=20, failed=False):
    one = {"traceId": trace, "spanId": f"{trace[:8]}{number:08x}", "name": f"step {number}", "startTimeUnixNano": str(START),
           "endTimeUnixNano": str(START + length_ms * MILLISECOND)}
    if parent is not None:
        one["parentSpanId"] = f"{trace[:8]}{parent:08x}"
    if failed:
        one["status"] = {"code": 2, "message": "it broke"}
    return one


def send(server, spans):
    body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    assert server.post("/v1/traces", body).status == 200


def listed(server):
    return {trace["id"]: trace for trace in server.get("/api/traces?limit=1000").json["items"]}


def eventually(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.2)


def is_in_sample(trace):
    """As the server decides it: FNV-1a, its bits mixed, the upper ones as a share."""
    lot = 14695981039346656037
    for byte in trace.encode():
        lot = ((lot ^ byte) * 1099511628211) % 2**64
    lot ^= lot >> 33
    lot = lot * 0xFF51AFD7ED558CCD % 2**64
    lot ^= lot >> 33
    return (lot >> 11) * 2**-53 < SAMPLING["rate"]


def ask(client, feedback=False):
    run, now = uuid.uuid4(), datetime.datetime.now(datetime.timezone.utc)
    place = {"trace_id": run, "dotted_order": f"{now:%Y%m%dT%H%M%S%f}Z{run}"}
    client.create_run(name="asked", run_type="chain", inputs={"q": "?"}, id=run, start_time=now, project_name="shop", **place)
    client.update_run(run, outputs={"a": "!"}, end_time=now, **place)
    if feedback:
        client.create_feedback(run, key="thumb", score=1, trace_id=run)
    client.flush()
    return str(run)


def test_whole_traces_stay_or_go_and_what_is_left_out_is_counted(slipway):
    with serve(slipway, config={"traces": {"sampling": SAMPLING}}) as server:
        plain, failed, slow = ([uuid.uuid4().hex for _ in range(count)] for count in (60, 8, 8))
        for trace in plain:
            # Children first, as OTLP's clients send them.
            send(server, [span(trace, 2, 1), span(trace, 3, 1)])
            send(server, [span(trace, 1)])
        for trace in failed:
            send(server, [span(trace, 1), span(trace, 2, 1, failed=True)])
        for trace in slow:
            send(server, [span(trace, 1, length_ms=5000), span(trace, 2, 1)])
        client = langsmith.Client(api_url=f"{server.url}/langsmith", api_key="any")
        ours = [ask(client) for _ in range(20)]
        spoken = next(run for run in iter(lambda: ask(client, feedback=True), None) if not is_in_sample(run))
        everything = {*plain, *failed, *slow, *ours, spoken}
        expected = {*failed, *slow, spoken, *(trace for trace in (*plain, *ours) if is_in_sample(trace))}
        assert expected < everything
        # What was acknowledged is there before it is left out.
        last = next(trace for trace in iter(lambda: uuid.uuid4().hex, None) if not is_in_sample(trace))
        send(server, [span(last, 1)])
        assert server.get(f"/api/traces/{last}").status == 200

        def there():
            return {trace for trace in listed(server) if trace in everything or trace == last}

        eventually(lambda: there() == expected)
        assert all(trace["run_count"] == 3 for id, trace in listed(server).items() if id in set(plain))
        stats = server.get("/api/traces/stats").json
        told = stats["sampling"]
        assert told["rate"] == 0.25 and told["keep_errors"] and told["keep_slower_ms"] == 5000
        assert told["left_out_traces"] == len(everything - expected) + 1
        assert f"slipway_traces_left_out_total {told['left_out_traces']}" in server.get("/metrics").text
        assert server.get("/api/settings").json["config"]["traces"]["sampling"]["rate"] == 0.25
        assert server.get(f"/api/traces/{last}").status == 404
        # What comes late for it goes as well.
        send(server, [span(last, 9, 1)])
        eventually(lambda: last not in listed(server))
    with serve(slipway, config={}) as server:
        assert "sampling" not in server.get("/api/traces/stats").json
        assert expected <= set(listed(server))


def test_wrong_settings_of_sampling_are_told(slipway):
    with pytest.raises(AssertionError, match=r"traces.sampling.*rate: 2 is not in 0..1"):
        serve(slipway, config={"traces": {"sampling": {"rate": 2}}})
