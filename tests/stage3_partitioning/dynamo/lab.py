"""The lab ``dynamo``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class DynamoLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage3_partitioning.dynamo import versions
        from stage3_partitioning.dynamo.client import Shopper
        from stage3_partitioning.dynamo.entropy import Compare, Comparer, Exchange, Tree
        from stage3_partitioning.dynamo.handoff import HandOver, Helper, Taken
        from stage3_partitioning.dynamo.keeping import (
            Ask,
            Found,
            Get,
            GetRequest,
            Got,
            Keep,
            Keeper,
            Kept,
            NotMine,
            Put,
            PutDone,
            PutRequest,
        )
        from stage3_partitioning.dynamo.members import Dynamo, Join, Leave
        from stage3_partitioning.dynamo.quorum import Coordinator
        from stage3_partitioning.dynamo.ring import Ring
        from stage3_partitioning.dynamo.versions import Version

        context_of = staticmethod(versions.context_of)
        joined = staticmethod(versions.joined)
        replaces = staticmethod(versions.replaces)
