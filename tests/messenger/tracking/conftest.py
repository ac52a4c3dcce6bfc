"""The recipients' door in this process."""

import asyncio

import httpx
import pytest
from django.db import connection
from starlette.concurrency import run_in_threadpool

from tandem.messenger.tracking import answers, app


class Door:
    """The door in this process."""

    def call(self, method: str, path: str, **more: object) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self.call("GET", path)

    def post(self, path: str, **more: object) -> httpx.Response:
        return self.call("POST", path, **more)


@pytest.fixture
def client(monkeypatch):
    """Its threads leave no connection behind that would keep the test's database."""

    def and_close(function, work):
        try:
            return function(work)
        finally:
            connection.close()

    async def in_thread(function, work):
        return await run_in_threadpool(and_close, function, work)

    monkeypatch.setattr(answers, "run_in_threadpool", in_thread)
    return Door()
