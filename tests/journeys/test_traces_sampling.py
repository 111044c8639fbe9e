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


def test_whole_traces_stay_or_go_and_what_is_left_out_is_counted(slipway):
    with serve(slipway, config={"traces": {"sampling": SAMPLING}}) as server:
        plain = [uuid.uuid4().hex for _ in range(200)]
        for trace in plain:
            # Children first, as OTLP's clients send them.
            send(server, [span(trace, 2, 1), span(trace, 3, 1)])
            send(server, [span(trace, 1)])
        failed, slow = [uuid.uuid4().hex for _ in range(20)], [uuid.uuid4().hex for _ in range(20)]
        for trace in failed:
            send(server, [span(trace, 1), span(trace, 2, 1, failed=True)])
        for trace in slow:
            send(server, [span(trace, 1, length_ms=5000), span(trace, 2, 1)])
        client = langsmith.Client(api_url=f"{server.url}/langsmith", api_key="any")
        now = datetime.datetime.now(datetime.timezone.utc)
        ours = [uuid.uuid4() for _ in range(100)]
        for run in ours:
            client.create_run(name="asked", run_type="chain", inputs={"q": "?"}, id=run, trace_id=run, start_time=now,
                              dotted_order=f"{now:%Y%m%dT%H%M%S%f}Z{run}", project_name="shop")
            client.update_run(run, trace_id=run, outputs={"a": "!"}, end_time=now,
                              dotted_order=f"{now:%Y%m%dT%H%M%S%f}Z{run}")
        client.flush()
        # What was acknowledged is there before it is left out; and a trace of which somebody speaks stays.
        assert set(plain) & set(listed(server))
        spoken = str(ours[0])
        client.create_feedback(spoken, key="thumb", score=1, trace_id=spoken)
        client.flush()

        def rest():
            return [trace for trace in listed(server) if trace in set(plain)]

        eventually(lambda: len(rest()) < 100)
        eventually(lambda: server.get("/api/traces/stats").json["sampling"]["left_out_traces"] > 150)
        time.sleep(3)  # One more look of the server's.
        there = listed(server)
        assert set(failed) <= set(there) and set(slow) <= set(there) and spoken in there
        assert 20 < len(rest()) < 90  # A quarter of 200, by chance.
        assert 5 < len([run for run in ours if str(run) in there]) < 55
        assert all(there[trace]["run_count"] == 3 for trace in rest())
        stats = server.get("/api/traces/stats").json
        told = stats["sampling"]
        assert told["rate"] == 0.25 and told["keep_errors"] and told["keep_slower_ms"] == 5000
        assert told["left_out_traces"] == 340 - stats["traces"]
        metrics = server.get("/metrics").text
        assert f"slipway_traces_left_out_total {told['left_out_traces']}" in metrics
        assert server.get("/api/settings").json["config"]["traces"]["sampling"]["rate"] == 0.25
        gone = next(trace for trace in plain if trace not in there)
        assert server.get(f"/api/traces/{gone}").status == 404
        # What comes late for it goes as well.
        send(server, [span(gone, 9, 1)])
        eventually(lambda: gone not in listed(server))
    with serve(slipway) as server:
        assert "sampling" not in server.get("/api/traces/stats").json
        assert set(listed(server)) == set(there)


def test_wrong_settings_of_sampling_are_told(slipway):
    with pytest.raises(AssertionError, match=r"traces.sampling.*rate: 2 is not in 0..1"):
        serve(slipway, config={"traces": {"sampling": {"rate": 2}}})
