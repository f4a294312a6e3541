"""The head of a request: read in one way or not at all."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aether.gate.capacity import MAX_CONNECTIONS, RESERVED_FILES, max_connections
from aether.gate.framing import MAX_HEADERS, end_of, fault

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/key HTTP/1.1\r\nHost: x\r\n"
READ = (
    GET,
    b"GET /healthz HTTP/1.0\r\n",
    POST + b"Content-Length: 2\r\n",
    POST + b"Content-Length:2 \r\n",
    POST + b"Transfer-Encoding: Chunked\r\n",
    POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n",
    GET + b"Cookie: a=b; c=d\r\nX-Empty:\r\nX-Latin: \xe4\r\n",
    GET + b"X: a\r\n" * (MAX_HEADERS - 1),
)
REFUSED = {
    "both": (400, POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
    "both, the other way": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
    "two lengths": (400, POST + b"Content-Length: 4\r\nContent-Length: 5\r\n"),
    "one length twice": (400, POST + b"Content-Length: 4\r\ncontent-length: 4\r\n"),
    "a list of lengths": (400, POST + b"Content-Length: 4, 4\r\n"),
    "a sign": (400, POST + b"Content-Length: +4\r\n"),
    "below zero": (400, POST + b"Content-Length: -4\r\n"),
    "sixteen": (400, POST + b"Content-Length: 0x10\r\n"),
    "underscores": (400, POST + b"Content-Length: 1_0\r\n"),
    "no length": (400, POST + b"Content-Length:\r\n"),
    "endless length": (400, POST + b"Content-Length: " + b"9" * 40 + b"\r\n"),
    "two codings": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n"),
    "coding twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "identity": (400, POST + b"Transfer-Encoding: identity\r\n"),
    "a vertical tab": (400, POST + b"Transfer-Encoding: \x0bchunked\r\n"),
    "an old version": (400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"),
    "a folded line": (400, GET + b"X: a\r\n b\r\n"),
    "a folded first line": (400, b"GET / HTTP/1.1\r\n Host: x\r\n"),
    "a folded coding": (400, POST + b"Transfer-Encoding:\r\n chunked\r\n"),
    "a space before the colon": (400, POST + b"Transfer-Encoding : chunked\r\n"),
    "no colon": (400, GET + b"Transfer-Encoding chunked\r\n"),
    "no name": (400, GET + b": a\r\n"),
    "a bare line feed": (400, b"GET / HTTP/1.1\nHost: x\n"),
    "one bare line feed": (400, GET + b"X: a\nContent-Length: 4\r\n"),
    "a bare return": (400, GET + b"X: a\rContent-Length: 4\r\n"),
    "a zero": (400, GET + b"X: a\0b\r\n"),
    "version 2": (400, b"GET / HTTP/2.0\r\nHost: x\r\n"),
    "version 9": (400, b"GET / HTTP/1.9\r\nHost: x\r\n"),
    "no version": (400, b"GET /\r\nHost: x\r\n"),
    "two spaces": (400, b"GET  / HTTP/1.1\r\nHost: x\r\n"),
    "small letters": (400, b"get / HTTP/1.1\r\nHost: x\r\n"),
    "another expectation": (417, POST + b"Content-Length: 2\r\nExpect: 200-ok\r\n"),
    "many headers": (431, GET + b"X: a\r\n" * MAX_HEADERS),
}


@pytest.mark.parametrize("head", READ)
def test_what_can_be_read_in_one_way_is_taken(head: bytes) -> None:
    assert fault(head + b"\r\n") is None


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_may_read_in_two_ways_is_refused(name: str) -> None:
    status, head = REFUSED[name]
    refused = fault(head + (b"\n" if name == "a bare line feed" else b"\r\n"))
    assert refused is not None
    assert refused[0] == status


PIECES = st.sampled_from(
    [
        b"Content-Length",
        b"Transfer-Encoding",
        b"chunked",
        b": ",
        b":",
        b" ",
        b"\t",
        b"\r\n",
        b"\n",
        b"\r",
        b"4",
        b"0",
        b",",
        b"X",
        b"\0",
        b"\x0b",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_what_is_taken_the_parser_reads_in_that_way_too(middle: bytes) -> None:
    data = POST + middle + b"\r\n\r\n"
    end = end_of(data)
    head = data[:end]
    if fault(head) is not None:
        return
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    lengths = [v for k, v in request.headers if k == b"content-length"]
    codings = [v for k, v in request.headers if k == b"transfer-encoding"]
    assert len(lengths) + len(codings) <= 1
    assert head.count(b"\n") == head.count(b"\r\n") == 2 + len(request.headers)


def test_a_head_in_pieces_ends_where_it_ends() -> None:
    whole = GET + b"\r\n"
    for at in range(len(whole)):
        assert end_of(whole[: at + 1], since=at) == (len(whole) if at == len(whole) - 1 else -1)
    assert end_of(whole + b"body") == len(whole)


@pytest.mark.parametrize("files", [64, 256, 1_024, 4_096, 20_000, 65_536])
def test_connections_leave_files_for_the_rest(files: int) -> None:
    connections = max_connections(files)
    assert connections <= MAX_CONNECTIONS
    assert files - connections >= min(RESERVED_FILES, files // 2) - 32
