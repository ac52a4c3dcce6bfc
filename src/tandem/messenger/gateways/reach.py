"""A TCP connection to an address that an account gave: resolved, checked and connected to in one step."""

import asyncio
import socket
import ssl

from django.conf import settings

from tandem.kit import addresses
from tandem.messenger.gateways.errors import GatewayDown

LEAST_PORT = 1024
_ALSO = frozenset({443})


async def connect(
    host: str, port: int, *, tls: bool, seconds: float = 15.0
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The streams, to the first permitted address of the name. Raises GatewayDown: no byte has left."""
    try:
        async with asyncio.timeout(seconds):
            for address in await _permitted(host, port):
                try:
                    return await _connect(address, host, port, tls)
                except (OSError, ssl.SSLError) as error:
                    problem = error
            raise problem
    except TimeoutError:
        raise GatewayDown(
            f"{host}:{port} did not answer within {seconds:g} seconds.", "Check its address."
        ) from None
    except (OSError, ssl.SSLError) as error:
        words = getattr(error, "strerror", "") or getattr(error, "reason", "") or type(error).__name__
        raise GatewayDown(
            f"{host}:{port} could not be reached: {words}.", "Check its address and its TLS."
        ) from error


async def _connect(
    address: str, host: str, port: int, tls: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not tls:
        return await asyncio.open_connection(address, port)
    return await asyncio.open_connection(address, port, ssl=_context(), server_hostname=host)


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _permitted(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    private = addresses.parse_pairs(tuple(settings.TANDEM_ALLOW_PRIVATE))
    permitted = [text for text in texts if _may(addresses.parse(text), port, private)]
    if not permitted:
        raise GatewayDown(
            f"{host}:{port} is in a private or reserved range, or on a port that is not called.",
            "Name it in TANDEM_ALLOW_PRIVATE as address:port if you trust it.",
        )
    return permitted


def _may(address: addresses.Address, port: int, private: frozenset[tuple[addresses.Address, int]]) -> bool:
    if (address, port) in private:
        return True
    return (port >= LEAST_PORT or port in _ALSO) and addresses.is_public(address)
