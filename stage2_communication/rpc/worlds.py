"""The lab ``rpc`` in every world: one server, and callers with several calls at once.

Live, the network loses and doubles, the server is killed and comes back, and then it stands still.
"""

from common.values.units import MS
from common.worlds import Front, Size, Variant, Worlds
from common.worlds.troubles import kill_first, rough_then_calm, stand_still, together
from stage1_foundations.failures.checks import some_command
from stage2_communication.rpc.broken import CarelessServer
from stage2_communication.rpc.checks import (
    at_most_once,
    one_account,
    some_call,
    streams_are_whole,
)
from stage2_communication.rpc.once import RetryingCaller
from stage2_communication.rpc.served import Server
from stage2_communication.rpc.small import CACHED, ONCE
from stage2_communication.rpc.streams import StreamingCaller

CHECKS = {"at most once": at_most_once, "one account": one_account}
STREAMS = {**CHECKS, "streams are whole": streams_are_whole}

WORLDS = Worlds(
    __package__,
    variants={
        "once": Variant(
            "an account behind calls that happen at most once",
            node=Server,
            client=StreamingCaller,
            choose=some_call,
            checks=STREAMS,
        ),
        "busy": Variant(
            "the same, where each call takes 20 ms, so that calls wait in a queue",
            node=Server,
            client=StreamingCaller,
            choose=some_call,
            checks=STREAMS,
            config={"work": 20 * MS},
            client_config={"deadline": 800 * MS},
        ),
        "careless": Variant(
            "retries without a table: see calls happen twice",
            node=CarelessServer,
            client=RetryingCaller,
            choose=some_command,
            checks=CHECKS,
            breaks=tuple(CHECKS),
        ),
    },
    live=Size(members=1, clients=3),
    columns=("entries", "waiting"),
    trouble=together(rough_then_calm, kill_first, stand_still),
    small={"once": ONCE},
    broken={"cached": CACHED},
    front=Front(
        clients=("buf curl 1.75 (PyPI: buf-bin)", "grpcio 1.85"),
        hint=(
            "gRPC: buf curl --protocol grpc --http2-prior-knowledge -H 'caller: me' "
            "--schema stage2_communication/rpc/front/account.proto\n"
            "  -d '{{\"amount\": 5}}' http://{host}:{port}/course.Account/Deposit"
        ),
        needs="grpc_tools",
        extra="rpc",
        variants=("once", "busy"),
    ),
)
