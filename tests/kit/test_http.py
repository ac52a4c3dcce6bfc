import socket
import threading
import time
from contextlib import contextmanager

import pytest

from tandem.kit import addresses
from tandem.kit.http import AddressRefused, AnswerTooLarge, DeadlinePassed, Http, Unreachable, loads_strictly


@contextmanager
def server(*replies, pause=0.0):
    """Answers each connection with the next raw reply; counts connections."""
    listening = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        for reply in replies:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65536))
                for part in reply if isinstance(reply, list) else [reply]:
                    time.sleep(pause)
                    try:
                        connection.sendall(part)
                    except OSError:
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", seen
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


def test_reads_an_answer_from_a_permitted_pair():
    with server(OK) as (pair, seen):
        answer = Http(allow_private=(pair,)).request("GET", f"http://{pair}/a?b=c")
    assert (answer.status, answer.text, answer.address) == (200, "hi", pair)
    assert seen[0].startswith(b"GET /a?b=c HTTP/1.1")


def test_a_permitted_pair_opens_no_other_port():
    with server(OK) as (pair, seen), pytest.raises(AddressRefused):
        Http(allow_private=("127.0.0.1:1",)).request("GET", f"http://{pair}/")
    assert seen == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
     "0.0.0.0", "169.254.169.254", "10.0.0.1", "100.64.0.1", "192.168.1.1", "[fe80::1]", "[64:ff9b::7f00:1]",
     "[fc00::1]", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
def test_refuses_private_addresses_however_written(host):
    with pytest.raises((AddressRefused, Unreachable)) as caught:
        Http(timeout=3).request("GET", f"http://{host}/")
    assert not getattr(caught.value, "sent", False)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://u:p@example.org/",
        "http://",
        "x",
        "http://a b/",
        "http://a\t/",
    ],
)
def test_refuses_what_is_no_plain_address(url):
    with pytest.raises(AddressRefused):
        Http().request("GET", url)


def test_the_address_that_was_checked_is_the_one_called(monkeypatch):
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))]]
    asked = []

    def resolve(host, port, **named):
        asked.append(host)
        return answers.pop(0)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(AddressRefused):
        Http().request("GET", "http://rebinding.example/")
    assert asked == ["rebinding.example"]


def test_does_not_follow_redirects():
    reply = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with server(reply) as (pair, seen):
        assert Http(allow_private=(pair,)).request("GET", f"http://{pair}/").status == 302
    assert len(seen) == 1


def test_ignores_proxies_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with server(OK) as (pair, _):
        assert Http(allow_private=(pair,)).request("GET", f"http://{pair}/").status == 200


def test_stops_reading_at_the_limit():
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
    with server(reply) as (pair, _), pytest.raises(AnswerTooLarge):
        Http(allow_private=(pair,), limit=1000).request("GET", f"http://{pair}/")


def test_a_dripping_answer_ends_at_the_deadline():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    started = time.monotonic()
    with server([head, *[b"x"] * 40], pause=0.1) as (pair, _), pytest.raises(DeadlinePassed) as caught:
        Http(allow_private=(pair,), timeout=0.5).request("GET", f"http://{pair}/")
    assert time.monotonic() - started < 6
    assert caught.value.sent


def test_a_cut_answer_is_told():
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1,") as (pair, _), pytest.raises(Unreachable):
        Http(allow_private=(pair,)).request("GET", f"http://{pair}/")


def test_nobody_there_was_not_sent():
    with server() as (pair, _):
        pass
    with pytest.raises(Unreachable) as caught:
        Http(allow_private=(pair,)).request("GET", f"http://{pair}/")
    assert not caught.value.sent


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "192.0.1.1", "::ffff:8.8.8.8"])
def test_public_addresses(text):
    assert addresses.is_public(addresses.parse(text))


@pytest.mark.parametrize(
    "text",
    ["192.0.0.9", "198.51.100.7", "203.0.113.1", "240.0.0.1", "192.88.99.1", "64:ff9b:1::1", "2002:7f00:1::", "3fff::1",
     "5f00::1", "2001:db8::1", "2001::1", "fec0::1", "ff02::1", "::127.0.0.1", "::"],
)  # fmt: skip
def test_addresses_that_are_not_public(text):
    assert not addresses.is_public(addresses.parse(text))


@pytest.mark.parametrize("body", [b'{"a":1,"a":2}', b"NaN", b'{"a":Infinity}', b"[" * 100_000, b"", b"\xff"])
def test_strict_json_refuses(body):
    with pytest.raises(ValueError):
        loads_strictly(body)
