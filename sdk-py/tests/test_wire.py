"""Requests as libraries write them to a socket."""

from __future__ import annotations

import pytest

from skep._wire import BodyReader, NotHttp, answer_head, parse_head


def body(length: int | None, *parts: bytes) -> tuple[bytes, bool]:
    reader = BodyReader(length)
    read = b"".join(found for part in parts for found in reader.feed(part))
    return read, reader.done


def test_a_head_is_read_without_what_is_the_hosts() -> None:
    head = parse_head(
        b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nProxy-Authorization: p\r\n"
        b"X-Own:  a:b \r\nContent-Length: 5"
    )

    assert (head.method, head.target, head.length) == ("POST", "/a?b=c", 5)
    assert head.headers == [("x-own", b"a:b"), ("content-length", b"5")]


def test_a_body_in_chunks_has_no_length() -> None:
    assert parse_head(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked").length is None
    assert parse_head(b"GET / HTTP/1.1").length == 0


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"EHLO me", "only HTTP"),
        (b"GET http://other.example/ HTTP/1.1", "no proxy"),
        (b"CONNECT other.example:443 HTTP/1.1", "no proxy"),
        (b"POST / HTTP/1.1\r\nContent-Length: five", "not a number"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_what_cannot_be_sent_is_refused(data: bytes, text: str) -> None:
    with pytest.raises(NotHttp, match=text):
        parse_head(data)


def test_a_body_of_known_length_ends_by_itself() -> None:
    assert body(5, b"he", b"llo") == (b"hello", True)
    assert body(5, b"he") == (b"he", False)
    assert body(2, b"hello") == (b"he", True)
    assert body(0) == (b"", True)


def test_chunks_are_put_together_wherever_they_are_cut() -> None:
    whole = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"

    assert body(None, whole) == (b"abc0123456789", True)
    assert body(None, *(whole[i : i + 1] for i in range(len(whole)))) == (b"abc0123456789", True)
    assert body(None, whole[:-4]) == (b"abc0123456789", False)


def test_an_answer_ends_with_its_connection() -> None:
    head = answer_head(404, [("x-a", b"1"), ("x-a", b"2")])

    assert head == b"HTTP/1.1 404 Not Found\r\nx-a: 1\r\nx-a: 2\r\nconnection: close\r\n\r\n"
    assert answer_head(599, []).startswith(b"HTTP/1.1 599 \r\n")
