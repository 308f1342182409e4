"""Commands about the connection, the databases and the cluster."""

import datetime
import platform
from itertools import count
from typing import Any

from stage3_partitioning.shards.front.catalog import Catalog
from stage3_partitioning.shards.front.cursors import Cursors
from stage3_partitioning.shards.front.documents import found
from stage3_partitioning.shards.front.keys import checked
from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.store import MOST_DOCUMENT, Store
from stage3_partitioning.shards.front.wire import MOST_BYTES, Document

VERSION = "7.0.0"
"""The MongoDB whose words are followed."""

WIRE_VERSIONS = 0, 21
MOST_WRITES = 1000


class Admin:
    """What clients ask of the cluster.

    Args:
        store: the documents, and the table.
        cursors: what clients have not fetched.
    """

    def __init__(self, store: Store, cursors: Cursors) -> None:
        self.store = store
        self.cursors = cursors
        self._connections = count(1)

    async def hello(self, command: Document) -> Document:
        """``hello``, ``isMaster``: this is a router (``isdbgrid``).

        It does not offer sessions, so clients do not repeat writes by themselves: this front could
        not tell a repetition from a new write.
        """
        legacy = "hello" not in command
        return {
            "ismaster" if legacy else "isWritablePrimary": True,
            "msg": "isdbgrid",
            "helloOk": True,
            "maxBsonObjectSize": MOST_DOCUMENT,
            "maxMessageSizeBytes": MOST_BYTES,
            "maxWriteBatchSize": MOST_WRITES,
            "localTime": datetime.datetime.now(datetime.UTC),
            "connectionId": next(self._connections),
            "minWireVersion": WIRE_VERSIONS[0],
            "maxWireVersion": WIRE_VERSIONS[1],
            "readOnly": False,
            "ok": 1.0,
        }

    async def fine(self, command: Document) -> Document:
        """``ping``, ``endSessions`` and others about which there is nothing to do."""
        return {"ok": 1.0}

    async def build_info(self, command: Document) -> Document:
        """``buildInfo``: which MongoDB this speaks like."""
        numbers = [*map(int, VERSION.split(".")), 0]
        told = {"version": VERSION, "versionArray": numbers, "modules": [], "bits": 64}
        return {**told, "maxBsonObjectSize": MOST_DOCUMENT, "ok": 1.0}

    async def host_info(self, command: Document) -> Document:
        """``hostInfo``: the machine."""
        return {
            "system": {"hostname": self.store.door.node},
            "os": {"type": platform.system()},
            "ok": 1.0,
        }

    # Databases and collections: there is what has a document.

    async def list_databases(self, command: Document) -> Document:
        """``listDatabases``."""
        names = sorted({each.partition(".")[0] for each in await self.store.namespaces()})
        told = [{"name": name, "sizeOnDisk": 0, "empty": False} for name in names]
        shown = found(told, command.get("filter", {}), projection={"_id": False})
        if command.get("nameOnly"):
            shown = [{"name": each["name"]} for each in shown]
        return {"databases": shown, "totalSize": 0, "ok": 1.0}

    async def list_collections(self, command: Document) -> Document:
        """``listCollections``."""
        database = command["$db"]
        names = [each.partition(".") for each in await self.store.namespaces()]
        told = [
            {"name": name, "type": "collection", "options": {}, "info": {"readOnly": False}}
            for owner, _, name in names
            if owner == database
        ]
        shown = found(told, command.get("filter", {}), projection={"_id": False})
        return self.cursors.first(f"{database}.$cmd.listCollections", shown, None, True)

    async def list_indexes(self, command: Document) -> Document:
        """``listIndexes``: there is one, of ``_id``."""
        index = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
        name = f"{command['$db']}.{command['listIndexes']}"
        return self.cursors.first(name, [index], None, True)

    # Sharding.

    async def shard_collection(self, command: Document) -> Document:
        """``shardCollection``: every collection is sharded, by ``_id``; another key is refused."""
        name = checked(str(command["shardCollection"]))
        only = self.store.shard_key
        if command.get("key") != only:
            raise Problem(
                72,
                f"this cluster shards by the key {only}, and not by {command.get('key')}: start it "
                "with --variant range or hashed for the other one",
            )
        return {"collectionsharded": name, "ok": 1.0}

    async def split(self, command: Document) -> Document:
        """``split``: a chunk begins at ``middle``."""
        await self.store.split(checked(str(command["split"])), _id_in(command, "middle"))
        return {"ok": 1.0}

    async def move_chunk(self, command: Document) -> Document:
        """``moveChunk``: the chunk of the document that ``find`` names goes to the shard ``to``."""
        name = checked(str(command["moveChunk"]))
        await self.store.move(name, _id_in(command, "find"), str(command.get("to")))
        return {"ok": 1.0}

    async def list_shards(self, command: Document) -> Document:
        """``listShards``: the members of the cluster."""
        return {"shards": Catalog(self.store).shards(), "ok": 1.0}


def _id_in(command: Document, field: str) -> Any:
    value = command.get(field)
    if not isinstance(value, dict) or "_id" not in value:
        raise Problem(2, f"say {field}: {{_id: ...}}: documents are sharded by _id")
    return value["_id"]
