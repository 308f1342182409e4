"""The database ``config``: what MongoDB's tools read to show a cluster, ``sh.status()`` above all.

It is made of the table whenever somebody reads it. Nobody writes to it by this way.
"""

from typing import Any

from bson import MaxKey, MinKey

from stage3_partitioning.shards.chunks import GREATEST, LEAST
from stage3_partitioning.shards.front.keys import bounds, id_of
from stage3_partitioning.shards.front.store import Store
from stage3_partitioning.shards.front.wire import Document

DATABASE = "config"


def in_catalog(namespace: str) -> bool:
    """Whether a collection is one of these."""
    return namespace.startswith(f"{DATABASE}.")


class Catalog:
    """The collections of ``config``.

    Args:
        store: knows the table.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def collection(self, name: str) -> list[Document]:
        """The documents of a collection; none of one that is not served."""
        match name:
            case "version":
                return [{"_id": 1, "clusterId": "course"}]
            case "shards":
                return self.shards()
            case "databases":
                names = {each.partition(".")[0] for each in await self.store.namespaces()}
                primary = self.store.door.members[0]
                return [{"_id": each, "primary": primary} for each in sorted(names)]
            case "collections":
                key = self.store.shard_key
                return [{"_id": each, "key": key} for each in await self.store.namespaces()]
            case "chunks":
                return [
                    chunk
                    for namespace in await self.store.namespaces()
                    for chunk in await self._chunks(namespace)
                ]
        return []

    def shards(self) -> list[Document]:
        """The members of the cluster."""
        return [{"_id": each, "host": each, "state": 1} for each in self.store.door.members]

    async def _chunks(self, namespace: str) -> list[Document]:
        """The chunks that may have a document of a collection, as far as they are about it."""
        low, high = (LEAST, GREATEST) if self.store.hashed else bounds(namespace)
        told: list[Document] = []
        for chunk in (await self.store.table()).chunks:
            if chunk.low < high and low < chunk.high:
                least: Any = MinKey() if chunk.low <= low else self._bound(chunk.low)
                greatest: Any = MaxKey() if chunk.high >= high else self._bound(chunk.high)
                told.append(
                    {
                        "_id": f"{namespace} {len(told)}",
                        "ns": namespace,
                        "min": {"_id": least},
                        "max": {"_id": greatest},
                        "shard": chunk.shard,
                        "lastmod": "{}.{}".format(*chunk.version),
                    }
                )
        return told

    def _bound(self, place: str) -> Any:
        return place if self.store.hashed else id_of(place)
