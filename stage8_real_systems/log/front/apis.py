"""All APIs by number, and what is around each request and response.

A request is a length of four bytes, a header and a body. The header names the API, its version,
and a number that the response repeats. From an API's first flexible version on, headers have tagged
fields too; only the response to ApiVersions never has them, for a client reads it before it knows
what the broker speaks (KIP-511).
"""

from dataclasses import dataclass
from struct import pack

from common.runtime.refusals import Refused
from stage8_real_systems.log.front import apis_cluster, apis_groups, apis_records
from stage8_real_systems.log.front.schema import Api, Message
from stage8_real_systems.log.front.wire import FIXED, Reader, data_codec

API_VERSIONS = apis_cluster.API_VERSIONS

APIS: dict[int, Api] = {
    api.key: api
    for api in (
        apis_records.PRODUCE,
        apis_records.FETCH,
        apis_records.LIST_OFFSETS,
        apis_cluster.METADATA,
        apis_groups.OFFSET_COMMIT,
        apis_groups.OFFSET_FETCH,
        apis_groups.FIND_COORDINATOR,
        apis_groups.JOIN_GROUP,
        apis_groups.HEARTBEAT,
        apis_groups.LEAVE_GROUP,
        apis_groups.SYNC_GROUP,
        API_VERSIONS,
        apis_cluster.CREATE_TOPICS,
        apis_records.INIT_PRODUCER_ID,
    )
}
"""By number, in its order."""

_read_string = data_codec("string?", flexible=False)[0]
_write_int32 = FIXED["int32"][1]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks.

    Attributes:
        api: which API.
        version: which version of it.
        correlation: the number that the response repeats.
        client: what the client calls itself.
        body: the fields.
        understood: whether we speak this version of it; only ApiVersions has an answer if not.
    """

    api: Api
    version: int
    correlation: int
    client: str
    body: Message
    understood: bool = True


def read_request(data: bytes) -> Request:
    """A request without its length.

    Raises:
        Refused: it is cut, nonsense, or of an API or version that nobody here speaks.
    """
    reader = Reader(data)
    key, version, correlation = reader.int16(), reader.int16(), reader.int32()
    client = _read_string(reader) or ""
    api = APIS.get(key)
    if api is None:
        raise Refused("unknown", f"it asks for API {key}, which is not served here")
    if version not in api.versions:
        if api is API_VERSIONS:
            return Request(api, version, correlation, client, {}, understood=False)
        spoken = f"{api.versions.start} to {api.versions.stop - 1}"
        raise Refused("unknown", f"it asks for {api.name} {version}; versions {spoken} are served")
    if version >= api.flexible:
        reader.skip_tags()
    body = api.read_request(reader, version)
    if reader.left:
        raise Refused("garbled", f"it has {reader.left} bytes behind the end of its {api.name}")
    return Request(api, version, correlation, client, body)


def write_response(request: Request, response: Message) -> bytes:
    """The response to a request, with its length."""
    api = request.api
    version = request.version if request.understood else 0
    out = bytearray(4)
    _write_int32(out, request.correlation)
    if version >= api.flexible and api is not API_VERSIONS:
        out.append(0)  # no tagged fields
    api.write_response(out, response, version)
    out[:4] = pack(">i", len(out) - 4)
    return bytes(out)
