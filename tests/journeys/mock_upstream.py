"""A model server that does what a test says: OpenAI's chat completions, good, slow or broken.

One thread with an event loop, so that thousands of slow streams are cheap. What a request gets is decided by the name of
the model it asks for: `upstream.behaviour["flaky"] = [500, 500, "good"]` is taken in order, the last for ever.
"""
import asyncio
import json
import threading

USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


def whole(text="Hello", model="real"):
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "usage": USAGE,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def frame(delta, finish=None, model="real"):
    value = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model,
             "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(value)}\n\n".encode()


LAST = frame({}, "stop") + b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"real","choices":[],"usage":' + \
    json.dumps(USAGE).encode() + b"}\n\ndata: [DONE]\n\n"


class Upstream:
    def __init__(self):
        self.behaviour, self.requests, self.left = {}, [], 0
        self.open_now = self.open_most = self.written = 0
        self.release = None  # Streams of the behaviour "slow" end when it is set.
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def _run(self, started):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

        async def begin():
            self.release = asyncio.Event()
            self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()

        self.loop.run_until_complete(begin())
        self.loop.run_forever()

    def let_go(self):
        self.loop.call_soon_threadsafe(self.release.set)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
                body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
                self.requests.append({"path": lines[0].split()[1], "headers": headers, "body": body})
                await self._answer(reader, writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _next(self, model):
        does = self.behaviour.get(model, "good")
        if isinstance(does, list):
            return does.pop(0) if len(does) > 1 else does[0]
        return does

    async def _answer(self, reader, writer, body):
        does = self._next(body["model"])
        if isinstance(does, int):
            return await self._reply(writer, does, {"error": {"message": f"status {does}", "type": "x"}})
        if does == "break":
            writer.transport.abort()
            raise ConnectionResetError
        if does in ("hang", "slow") and not body.get("stream"):
            return await self._wait_for_end(reader)
        if not body.get("stream"):
            return await self._reply(writer, 200, whole())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self._stream(reader, writer, does)

    async def _stream(self, reader, writer, does):
        def chunk(data):
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

        if does == "hang":
            return await self._wait_for_end(reader)
        if does == "writing":
            return await self._write_on(reader, writer, chunk)
        chunk(frame({"role": "assistant", "content": "Hel"}))
        if does == "cut":
            await writer.drain()
            writer.transport.abort()
            raise ConnectionResetError
        if does == "slow":
            self.open_now += 1
            self.open_most = max(self.open_most, self.open_now)
            ended = asyncio.ensure_future(reader.read(1))
            released = asyncio.ensure_future(self.release.wait())
            await asyncio.wait({ended, released}, return_when=asyncio.FIRST_COMPLETED)
            self.open_now -= 1
            if ended.done():
                self.left += 1
                released.cancel()
                raise ConnectionResetError
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)
        chunk(frame({"content": "lo"}))
        if does != "endless":
            chunk(LAST)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _write_on(self, reader, writer, chunk):
        """A word every few milliseconds until the client leaves."""
        ended = asyncio.ensure_future(reader.read(1))
        self.open_now += 1
        try:
            while not ended.done():
                chunk(frame({"content": "on "}))
                self.written += 1
                await writer.drain()
                await asyncio.sleep(0.005)
        finally:
            self.open_now -= 1
            self.left += 1
            ended.cancel()
        raise ConnectionResetError

    async def _wait_for_end(self, reader):
        self.open_now += 1
        await reader.read(1)
        self.open_now -= 1
        self.left += 1
        raise ConnectionResetError

    async def _reply(self, writer, status, value):
        data = json.dumps(value).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
