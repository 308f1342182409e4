"""Requests of etcd's API as operations of the lab, and results as its responses. Pure.

The classes of etcd's API are those that the client library aetcd was generated with.
"""

from collections.abc import Callable
from typing import Any

from aetcd.rpc import kv_pb2, rpc_pb2

from stage5_fault_tolerance.etcd.commands import (
    Compare,
    Compared,
    DeleteRange,
    Order,
    Put,
    Range,
    Relation,
    Target,
    Txn,
)
from stage5_fault_tolerance.etcd.results import (
    DeleteResult,
    KeyValue,
    PutResult,
    RangeResult,
    TxnResult,
)

ORDERS: tuple[Order, ...] = ("none", "ascend", "descend")
TARGETS: tuple[Target, ...] = ("key", "version", "create", "mod", "value")
COMPARED: tuple[Compared, ...] = ("version", "create", "mod", "value", "lease")
RELATIONS: tuple[Relation, ...] = ("=", ">", "<", "!=")
"""By the numbers that they have in the API."""

WANTED = ("version", "create_revision", "mod_revision", "value", "lease")
"""In which field of a comparison is what to compare with, by the number of its target."""

MakeHeader = Callable[[int], Any]
"""Makes a ResponseHeader with a revision."""


class Unsupported(Exception):
    """A request has a part that this version of the API does not have."""


# Requests.


def range_of(request: Any) -> Range:
    """A RangeRequest."""
    if not request.limit and not request.sort_order and not request.sort_target:
        return Range(  # most are like this
            request.key,
            request.range_end,
            revision=request.revision,
            serializable=request.serializable,
            keys_only=request.keys_only,
            count_only=request.count_only,
            min_mod_revision=request.min_mod_revision,
            max_mod_revision=request.max_mod_revision,
            min_create_revision=request.min_create_revision,
            max_create_revision=request.max_create_revision,
        )
    return Range(
        request.key,
        request.range_end,
        request.limit,
        request.revision,
        _named(ORDERS, request.sort_order),
        _named(TARGETS, request.sort_target),
        request.serializable,
        request.keys_only,
        request.count_only,
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
    )


def put_of(request: Any) -> Put:
    """A PutRequest."""
    return Put(
        request.key,
        request.value,
        request.lease,
        request.prev_kv,
        request.ignore_value,
        request.ignore_lease,
    )


def delete_of(request: Any) -> DeleteRange:
    """A DeleteRangeRequest."""
    return DeleteRange(request.key, request.range_end, request.prev_kv)


def txn_of(request: Any) -> Txn:
    """A TxnRequest, with those within it."""
    return Txn(
        tuple(_compare_of(each) for each in request.compare),
        tuple(_step_of(each) for each in request.success),
        tuple(_step_of(each) for each in request.failure),
    )


def _step_of(step: Any) -> object:
    match step.WhichOneof("request"):
        case "request_range":
            return range_of(step.request_range)
        case "request_put":
            return put_of(step.request_put)
        case "request_delete_range":
            return delete_of(step.request_delete_range)
        case "request_txn":
            return txn_of(step.request_txn)
    return None


def _compare_of(compare: Any) -> Compare:
    if compare.target not in range(len(COMPARED)) or compare.result not in range(len(RELATIONS)):
        return _unknown_compare(compare)
    target = COMPARED[compare.target]
    wanted = getattr(compare, WANTED[compare.target])
    return Compare(compare.key, target, RELATIONS[compare.result], wanted, compare.range_end)


def _unknown_compare(compare: Any) -> Compare:
    """A comparison of a kind that this version does not know, as etcd takes it.

    Of an unknown target all is equal. An unknown relation holds, but nothing holds of the value of
    a key that is not there. Versions are 0 for that, and above 0 else.
    """
    if compare.target not in range(len(COMPARED)):
        holds = compare.result not in range(len(RELATIONS)) or RELATIONS[compare.result] == "="
        return Compare(compare.key, "version", ">" if holds else "<", -holds, compare.range_end)
    least = 0 if COMPARED[compare.target] == "value" else -1
    return Compare(compare.key, "version", ">", least, compare.range_end)


def _named(names: tuple[Any, ...], number: int) -> Any:
    if not 0 <= number < len(names):
        raise Unsupported(f"there is no number {number} among {', '.join(names)}")
    return names[number]


# Responses.


def key_value(kv: KeyValue) -> Any:
    """A version of a key."""
    return kv_pb2.KeyValue(
        key=kv.key,
        value=kv.value,
        create_revision=kv.create_revision,
        mod_revision=kv.mod_revision,
        version=kv.version,
        lease=kv.lease,
    )


def range_response(result: RangeResult, header: Any) -> Any:
    """What a Range found."""
    kvs = [key_value(kv) for kv in result.kvs]
    return rpc_pb2.RangeResponse(header=header, kvs=kvs, more=result.more, count=result.count)


def put_response(result: PutResult, header: Any) -> Any:
    """What a Put did."""
    if result.prev_kv is None:
        return rpc_pb2.PutResponse(header=header)
    return rpc_pb2.PutResponse(header=header, prev_kv=key_value(result.prev_kv))


def delete_response(result: DeleteResult, header: Any) -> Any:
    """What a DeleteRange did."""
    prev_kvs = [key_value(kv) for kv in result.prev_kvs]
    return rpc_pb2.DeleteRangeResponse(header=header, deleted=result.deleted, prev_kvs=prev_kvs)


def txn_response(result: TxnResult, header: Any) -> Any:
    """What a Txn did. The headers of its steps have a revision at most."""
    responses = [_step_response(step) for step in result.results]
    return rpc_pb2.TxnResponse(header=header, succeeded=result.succeeded, responses=responses)


def _step_response(result: object) -> Any:
    match result:
        case RangeResult(revision):
            return rpc_pb2.ResponseOp(response_range=range_response(result, _inner(revision)))
        case PutResult(revision):
            return rpc_pb2.ResponseOp(response_put=put_response(result, _inner(revision)))
        case DeleteResult(revision):
            deleted = delete_response(result, _inner(revision))
            return rpc_pb2.ResponseOp(response_delete_range=deleted)
        case TxnResult():
            return rpc_pb2.ResponseOp(response_txn=txn_response(result, _inner(0)))
    raise AssertionError(f"{result!r} is no result of a step")


def _inner(revision: int) -> Any:
    return rpc_pb2.ResponseHeader(revision=revision)


def event(version: KeyValue, previous: KeyValue | None) -> Any:
    """One event of a watch; a deletion tells the key and its revision."""
    made = kv_pb2.Event(type=int(version.is_deletion()), kv=key_value(version))
    if previous is not None:
        made.prev_kv.CopyFrom(key_value(previous))
    return made
