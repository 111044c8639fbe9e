"""Checkpoints of LangGraph's own graphs, kept by Slipway: any number of processes, none of them with a database.

    from langgraph_sdk import get_sync_client
    saver = SlipwaySaver(get_sync_client(url="http://localhost:8700/langgraph", api_key=KEY))
    graph = builder.compile(checkpointer=saver)

A checkpoint is an item of the store without its values; a value is an item of its own, by channel and version, so a step keeps
what it changed. Names become labels by base64, since labels have no dots."""
import asyncio
import base64
from collections.abc import AsyncIterator, Iterator

from langgraph.checkpoint.base import (WRITES_IDX_MAP, BaseCheckpointSaver, ChannelVersions, Checkpoint, CheckpointMetadata,
                                       CheckpointTuple, get_checkpoint_id, get_checkpoint_metadata)

PAGE = 1000


def label(text):
    return "_" + base64.urlsafe_b64encode(str(text).encode()).decode()


def text_of(name):
    return base64.urlsafe_b64decode(name[1:]).decode()


class SlipwaySaver(BaseCheckpointSaver):
    def __init__(self, client, *, root="checkpoints", serde=None):
        super().__init__(serde=serde)
        self.store, self.root = client.store, root

    # Items: [root, kind, thread, checkpoint_ns, (checkpoint)] and a key.

    def _space(self, kind, *names):
        return [self.root, kind, *map(label, names)]

    def _all(self, space):
        found = []
        while page := self.store.search_items(space, limit=PAGE, offset=len(found))["items"]:
            found += page
        return found

    def _delete(self, items):
        for item in items:
            self.store.delete_item(item["namespace"], item["key"])

    def _packed(self, value):
        kind, data = self.serde.dumps_typed(value)
        return {"kind": kind, "data": base64.b64encode(data).decode()}

    def _unpacked(self, packed):
        return self.serde.loads_typed((packed["kind"], base64.b64decode(packed["data"])))

    @staticmethod
    def _place(config):
        return config["configurable"]["thread_id"], config["configurable"].get("checkpoint_ns", "")

    @staticmethod
    def _config(thread, space, checkpoint):
        return {"configurable": {"thread_id": thread, "checkpoint_ns": space, "checkpoint_id": checkpoint}}

    # What a saver does.

    def put(self, config, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions):
        thread, space = self._place(config)
        bare = {**checkpoint}
        values = bare.pop("channel_values")
        for channel, version in new_versions.items():
            packed = self._packed(values[channel]) if channel in values else {}
            self.store.put_item(self._space("values", thread, space), f"{channel}@{version}", packed)
        self.store.put_item(self._space("checkpoints", thread, space), checkpoint["id"], {
            "checkpoint": self._packed(bare), "metadata": self._packed(get_checkpoint_metadata(config, metadata)),
            "parent": config["configurable"].get("checkpoint_id")})
        return self._config(thread, space, checkpoint["id"])

    def put_writes(self, config, writes, task_id, task_path=""):
        thread, space = self._place(config)
        place = self._space("writes", thread, space, config["configurable"]["checkpoint_id"])
        for at, (channel, value) in enumerate(writes):
            index = WRITES_IDX_MAP.get(channel, at)
            key = f"{task_path}|{task_id}|{index:05}"
            if index >= 0 and self.store.get_item(place, key):
                continue  # What a task wrote once, it wrote.
            self.store.put_item(place, key, {"task": task_id, "channel": channel, "value": self._packed(value)})

    def get_tuple(self, config):
        thread, space = self._place(config)
        place = self._space("checkpoints", thread, space)
        if wanted := get_checkpoint_id(config):
            item = self.store.get_item(place, wanted)
        else:
            item = max(self._all(place), key=lambda one: one["key"], default=None)
        return self._tuple(item) if item else None

    def list(self, config, *, filter=None, before=None, limit=None) -> Iterator[CheckpointTuple]:
        names = []
        if config:
            names = [config["configurable"]["thread_id"]]
            names += [space] if (space := config["configurable"].get("checkpoint_ns")) is not None else []
        wanted, end = config and get_checkpoint_id(config), before and get_checkpoint_id(before)
        for item in sorted(self._all(self._space("checkpoints", *names)), key=lambda one: one["key"], reverse=True):
            if (wanted and item["key"] != wanted) or (end and item["key"] >= end):
                continue
            found = self._tuple(item)
            if any(found.metadata.get(key) != value for key, value in (filter or {}).items()):
                continue
            if limit is not None:
                if limit == 0:
                    return
                limit -= 1
            yield found

    def _tuple(self, item):
        thread, space = map(text_of, item["namespace"][2:4])
        checkpoint, values = self._unpacked(item["value"]["checkpoint"]), {}
        for channel, version in checkpoint["channel_versions"].items():
            kept = self.store.get_item(self._space("values", thread, space), f"{channel}@{version}")
            if kept and kept["value"]:
                values[channel] = self._unpacked(kept["value"])
        parent = item["value"]["parent"]
        writes = sorted(self._all(self._space("writes", thread, space, item["key"])), key=lambda one: one["key"])
        return CheckpointTuple(
            self._config(thread, space, item["key"]), {**checkpoint, "channel_values": values},
            self._unpacked(item["value"]["metadata"]), self._config(thread, space, parent) if parent else None,
            [(one["value"]["task"], one["value"]["channel"], self._unpacked(one["value"]["value"])) for one in writes])

    def _remove(self, items):
        """Checkpoints with what was written at them. Values stay for others that share them."""
        for item in items:
            self._delete(self._all([self.root, "writes", *item["namespace"][2:], label(item["key"])]))
        self._delete(items)

    def delete_thread(self, thread_id):
        for kind in ("writes", "checkpoints", "values"):
            self._delete(self._all(self._space(kind, thread_id)))

    def copy_thread(self, source_thread_id, target_thread_id):
        for kind in ("values", "writes", "checkpoints"):
            for item in self._all(self._space(kind, source_thread_id)):
                self.store.put_item([self.root, kind, label(target_thread_id), *item["namespace"][3:]], item["key"], item["value"])

    def prune(self, thread_ids, *, strategy="keep_latest"):
        for thread in thread_ids:
            if strategy == "delete":
                self.delete_thread(thread)
                continue
            newest = {}
            for item in self._all(self._space("checkpoints", thread)):
                newest[item["namespace"][3]] = max(newest.get(item["namespace"][3], ""), item["key"])
            self._remove([item for item in self._all(self._space("checkpoints", thread))
                          if item["key"] != newest[item["namespace"][3]]])

    def delete_for_runs(self, run_ids):
        self._remove([item for item in self._all(self._space("checkpoints"))
                      if self._unpacked(item["value"]["metadata"]).get("run_id") in set(run_ids)])

    def get_next_version(self, current, channel):
        return (int(current) if current else 0) + 1

    # The same for graphs that are awaited.

    async def aput(self, config, checkpoint, metadata, new_versions):
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(self, config, writes, task_id, task_path=""):
        return await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def aget_tuple(self, config):
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(self, config, **how) -> AsyncIterator[CheckpointTuple]:
        for found in await asyncio.to_thread(lambda: [*self.list(config, **how)]):
            yield found

    async def adelete_thread(self, thread_id):
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def acopy_thread(self, source_thread_id, target_thread_id):
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids, *, strategy="keep_latest"):
        await asyncio.to_thread(lambda: self.prune(thread_ids, strategy=strategy))

    async def adelete_for_runs(self, run_ids):
        await asyncio.to_thread(self.delete_for_runs, run_ids)
