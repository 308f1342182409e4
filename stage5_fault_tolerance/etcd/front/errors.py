"""Which gRPC status code goes with which text: clients of etcd look at both."""

import grpc

from stage5_fault_tolerance.etcd import texts

CODES = {
    texts.EMPTY_KEY: grpc.StatusCode.INVALID_ARGUMENT,
    texts.KEY_NOT_FOUND: grpc.StatusCode.INVALID_ARGUMENT,
    texts.VALUE_PROVIDED: grpc.StatusCode.INVALID_ARGUMENT,
    texts.LEASE_PROVIDED: grpc.StatusCode.INVALID_ARGUMENT,
    texts.TOO_MANY_OPS: grpc.StatusCode.INVALID_ARGUMENT,
    texts.DUPLICATE_KEY: grpc.StatusCode.INVALID_ARGUMENT,
    texts.TOO_LARGE: grpc.StatusCode.INVALID_ARGUMENT,
    texts.COMPACTED: grpc.StatusCode.OUT_OF_RANGE,
    texts.FUTURE_REVISION: grpc.StatusCode.OUT_OF_RANGE,
    texts.LEASE_TTL_TOO_LARGE: grpc.StatusCode.OUT_OF_RANGE,
    texts.NO_SPACE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    texts.TOO_MANY_REQUESTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    texts.LEASE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    texts.LEASE_EXISTS: grpc.StatusCode.FAILED_PRECONDITION,
    texts.NOT_LEADER: grpc.StatusCode.FAILED_PRECONDITION,
    texts.BAD_TRANSFEREE: grpc.StatusCode.FAILED_PRECONDITION,
    texts.TIMED_OUT: grpc.StatusCode.UNAVAILABLE,
    texts.TRANSFER_TIMED_OUT: grpc.StatusCode.UNAVAILABLE,
    texts.NO_LEADER: grpc.StatusCode.UNAVAILABLE,
}
"""By the text of a refusal."""


def code_of(text: str) -> grpc.StatusCode:
    """The status code of a refusal; UNKNOWN for a text that etcd does not have."""
    return CODES.get(text, grpc.StatusCode.UNKNOWN)
