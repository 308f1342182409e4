"""Kafka's messages in front of the lab log: read and written as Kafka's own tables say."""

from contextlib import suppress
from random import Random
from typing import Any

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")

from common.runtime.refusals import Refused
from stage8_real_systems.log.front.apis import APIS, read_request, write_response
from stage8_real_systems.log.front.schema import Api, Field, parse
from stage8_real_systems.log.front.wire import MOST_ELEMENTS, Reader, write_varint

EVERY = [(api, version) for api in APIS.values() for version in api.versions]
BITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63}


def drawn(fields: tuple[Field, ...], version: int, random: Random) -> dict[str, Any]:
    """A message, with defaults where the version has no such field."""
    return {
        field.name: value_of(field, version, random) if version in field.versions else field.default
        for field in fields
    }


def value_of(field: Field, version: int, random: Random) -> Any:
    """Some value of a field."""
    kind = field.kind.rstrip("?")
    if field.kind.endswith("?") and random.random() < 0.3:
        return None
    if kind == "[]":
        return [drawn(field.inner, version, random) for _ in range(random.randrange(4))]
    if kind.startswith("[]"):
        return [random.randrange(1 << BITS[kind[2:]]) for _ in range(random.randrange(4))]
    if kind in BITS:
        return random.randrange(1 << BITS[kind]) - (1 << BITS[kind] - 1)
    if kind == "bool":
        return random.random() < 0.5
    text = "".join(random.choices("aä€ 0", k=random.choice((0, 3, 200))))
    return text if kind == "string" else text.encode()


def request_bytes(api: Api, version: int, body: dict[str, Any], client: bytes = b"me") -> bytes:
    """A request as a client writes it, without its length."""
    head = api.key.to_bytes(2) + version.to_bytes(2) + (77).to_bytes(4)
    out = bytearray(head + len(client).to_bytes(2) + client)
    if version >= api.flexible:
        out.append(0)
    api.codec("request", version)[1](out, body)
    return bytes(out)


@pytest.mark.parametrize("which", ["request", "response"])
def test_what_is_written_is_read_as_it_was(which: str) -> None:
    for seed, (api, version) in enumerate(EVERY * 5):
        message = drawn(parse(getattr(api, which)), version, Random(seed))
        read, write = api.codec(which, version)
        out = bytearray()
        write(out, message)
        reader = Reader(bytes(out))
        assert read(reader) == message
        assert not reader.left


@pytest.mark.parametrize("which", ["request", "response"])
@pytest.mark.parametrize("api", APIS.values(), ids=lambda api: api.name)
def test_kafka_python_reads_and_writes_the_same_bytes(api: Api, which: str) -> None:
    theirs = their_class(api.name, which)
    fields = parse(getattr(api, which))
    for version in api.versions:
        for seed in range(5):
            message = drawn(fields, version, Random(seed))
            if api.name == "ApiVersions":  # that with an error is read as of version 0 by all
                message["error_code"] = 0
            out = bytearray()
            api.codec(which, version)[1](out, message)
            assert theirs.decode(bytes(out), version=version).encode() == out


def their_class(name: str, which: str) -> Any:
    """kafka-python's class for a message; it was made from Kafka's own tables."""
    pytest.importorskip("kafka", reason="kafka-python is not installed: pip install -e '.[kafka]'")
    from kafka.protocol import admin, consumer, metadata, producer

    for module in (producer, consumer, metadata, admin):
        if found := getattr(module, f"{name}{which.title()}", None):
            return found
    raise AssertionError(f"kafka-python has no {name}")


def test_a_request_says_what_it_is() -> None:
    heartbeat = APIS[12]
    body = {"group_id": "g", "generation_id": 3, "member_id": "m", "group_instance_id": None}
    request = read_request(request_bytes(heartbeat, 4, body))
    assert (request.api, request.version, request.correlation) == (heartbeat, 4, 77)
    assert (request.client, request.body, request.understood) == ("me", body, True)


def test_tagged_fields_are_passed_over() -> None:
    whole = request_bytes(APIS[18], 3, {"client_software_name": "x"})
    tagged = whole[:-1] + b"\x01\x05\x03abc"
    assert read_request(tagged).body["client_software_name"] == "x"


def test_a_newer_question_for_the_versions_is_understood_to_be_one() -> None:
    request = read_request(request_bytes(APIS[18], 3, {}).replace(b"\x00\x03", b"\x00\x63", 1))
    assert not request.understood
    answer = write_response(request, {"error_code": 35, "api_keys": [{"api_key": 1}]})
    assert answer == (16).to_bytes(4) + (77).to_bytes(4) + bytes.fromhex(
        "0023 00000001 0001 0000 0000"
    )


@pytest.mark.parametrize(("api", "version"), [(99, 0), (0, 2), (0, 13), (1, 13), (3, 10)])
def test_another_api_or_version_is_refused_by_name(api: int, version: int) -> None:
    data = api.to_bytes(2) + version.to_bytes(2) + bytes(6)
    with pytest.raises(Refused, match="asks for") as found:
        read_request(data)
    assert found.value.kind == "unknown"


def test_a_response_to_a_flexible_request_has_tags_in_its_header_but_for_versions() -> None:
    metadata = read_request(request_bytes(APIS[3], 9, {"topics": []}))
    assert write_response(metadata, {})[8:9] == b"\0"
    versions = read_request(request_bytes(APIS[18], 3, {}))
    assert write_response(versions, {"error_code": 1})[8:10] == b"\0\x01"


def test_requests_that_are_cut_are_refused_at_every_byte() -> None:
    for api in APIS.values():
        version = api.versions[-1]
        whole = request_bytes(api, version, drawn(parse(api.request), version, Random(3)))
        for size in range(min(len(whole), 500)):
            with pytest.raises(Refused):
                read_request(whole[:size])
        with pytest.raises(Refused, match="1 bytes behind the end"):
            read_request(whole + b"\0")


@pytest.mark.parametrize("count", [MOST_ELEMENTS + 1, 2**31 - 1, 2**32 - 2])
def test_an_array_that_claims_to_be_huge_is_refused_before_anything_is_made(count: int) -> None:
    head = request_bytes(APIS[3], 9, {"topics": None})[:-5]
    claim = bytearray()
    write_varint(claim, count + 1)
    data = head + claim + bytes(2 * MOST_ELEMENTS if count < 2**20 else 10)
    with pytest.raises(Refused, match=f"claims an array of {count} elements"):
        read_request(data)


def test_arrays_within_arrays_do_not_get_round_the_bound() -> None:
    inner = {"topic": "", "partitions": [1] * 50_000}
    body = {"topics": [], "forgotten_topics_data": [inner] * 3}
    with pytest.raises(Refused, match="claims an array"):
        read_request(request_bytes(APIS[1], 11, body))


def test_requests_at_random_are_refused_or_understood_and_nothing_else() -> None:
    random = Random(3)
    for _ in range(2_000):
        api, version = random.choice(EVERY)
        whole = bytearray(request_bytes(api, version, drawn(parse(api.request), version, random)))
        for _ in range(random.randint(1, 4)):
            whole[random.randrange(len(whole))] = random.randrange(256)
        with suppress(Refused):
            read_request(bytes(whole))
