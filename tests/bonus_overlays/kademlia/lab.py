"""The lab ``kademlia``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class KademliaLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from bonus_overlays.kademlia import buckets, items, topologies
        from bonus_overlays.kademlia.buckets import Bucket, Contact, RoutingTable
        from bonus_overlays.kademlia.disjoint import Careful, DisjointSearch
        from bonus_overlays.kademlia.finding import Finder
        from bonus_overlays.kademlia.flooding import Flooder, Heard, News, Tell
        from bonus_overlays.kademlia.holding import FetchItem, FindItem, Items, Refused, Store
        from bonus_overlays.kademlia.items import Immutable, Mutable, Objection, Version
        from bonus_overlays.kademlia.lookup import Search
        from bonus_overlays.kademlia.messages import FindNode, Lookup, Nodes, Ping, Pong
        from bonus_overlays.kademlia.publishing import (
            Dht,
            Get,
            Keep,
            Publish,
            PublishAgain,
            Put,
            Read,
        )

        chord = staticmethod(topologies.chord)
        cut_by = staticmethod(topologies.cut_by)
        diameter = staticmethod(topologies.diameter)
        distances = staticmethod(topologies.distances)
        flooding_messages = staticmethod(topologies.flooding_messages)
        gossip = staticmethod(topologies.gossip)
        greedy_hops = staticmethod(topologies.greedy_hops)
        mesh = staticmethod(topologies.mesh)
        ring = staticmethod(topologies.ring)
        tree = staticmethod(topologies.tree)
        without = staticmethod(topologies.without)
        bucket_index = staticmethod(buckets.bucket_index)
        closest_of = staticmethod(buckets.closest_of)
        distance = staticmethod(buckets.distance)
        key_of = staticmethod(buckets.key_of)
        key_of_item = staticmethod(items.key_of_item)
        key_of_owned = staticmethod(items.key_of_owned)
        newer_of = staticmethod(items.newer_of)
        objection_to = staticmethod(items.objection_to)
        objection_to_replacing = staticmethod(items.objection_to_replacing)
