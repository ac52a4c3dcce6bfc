import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tandem.kit.clock import FrozenClock
from tandem.planner.accounts import service as accounts

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


class Ear:
    """A listener that answers what it is told to and keeps what it hears."""

    def __init__(self, url):
        self.url, self.answers, self.heard = url, [], []


@pytest.fixture
def ear(settings):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ear.heard.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers = ear.answers.pop(0) if ear.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    settings.TANDEM_ALLOW_PRIVATE = (f"127.0.0.1:{server.server_port}",)
    ear = Ear(f"http://127.0.0.1:{server.server_port}/hook?EventTypeID=13&brand=x")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ear
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clock():
    return FrozenClock(NOON)


@pytest.fixture
def account(db, clock):
    return accounts.create_account(name="Shop", zone="Europe/Stockholm", clock=clock)


@pytest.fixture
def other(db, clock):
    return accounts.create_account(name="Other", zone="Europe/Oslo", clock=clock)
