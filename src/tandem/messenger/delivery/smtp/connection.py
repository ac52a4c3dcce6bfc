"""One connection to the relay: bytes between the transport and greeting or session, and the time that passes.

What may wait in the transport is bounded by itself: one content and the envelope after it; the next content follows
only after their replies.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from tandem.kit.failpoints import failpoint
from tandem.messenger.delivery.providers.base import Feed
from tandem.messenger.delivery.smtp.greeting import Closed, Greeting
from tandem.messenger.delivery.smtp.relay import Encryption, Relay, context
from tandem.messenger.delivery.smtp.replies import NoReply, Replies, Reply
from tandem.messenger.delivery.smtp.session import Session
from tandem.messenger.delivery.smtp.tls import Tls

if TYPE_CHECKING:
    from tandem.messenger.delivery.smtp.way_out import WayOut

_CA = "Check TANDEM_SMTP_CA_FILE."
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


class Connection(asyncio.Protocol):
    """Tells its owner `ready`, `ended` and `failed`; everything else stays here."""

    def __init__(self, owner: "WayOut", relay: Relay, feed: Feed, most: int) -> None:
        self._owner, self._relay, self._feed, self._most = owner, relay, feed, most
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._replies, self._tls = Replies(), cast("Tls | None", None)
        self.greeting = Greeting(relay, "")
        self.session: Session | None = None
        self._why: Closed | None = None
        #: when the oldest answer that is owed began to be owed
        self._since = self._loop.time()
        self._unwritten = 0
        #: bytes given to the transport so far, and how many of them end the content that is on its way
        self._written = self._content_ends = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the banner, or with TLS."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=1 << 20)
        self.greeting = Greeting(self._relay, self._relay.name or _own_name(self._transport))
        self._since = self._loop.time()
        if self._relay.encryption is Encryption.IMPLICIT:
            self._begin_tls()

    def data_received(self, data: bytes) -> None:
        """Replies, or TLS around them."""
        try:
            self._receive(data)
        except ssl.SSLError as error:
            self._broken(error)
        except Exception as error:  # noqa: BLE001 see _guard
            self._give_up(error)

    def eof_received(self) -> bool:
        """The relay is done; so are we."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """What is open ends now."""
        self._guard(lambda: self._lost(error))

    def go(self) -> None:
        """There may be messages."""
        if self.session is not None:
            self._guard(self._go_on)

    def leave(self) -> None:
        """Take nothing more; hear what is owed."""
        if self.session is None:
            self.drop("closed")
        else:
            self.session.leave()
            self._guard(self._flush)

    def drop(self, why: str) -> None:
        """End at once."""
        if self.session is not None:
            self.session.end(why)
        elif self._why is None:
            self._why = Closed(f"does not answer: {why}")
        if self._transport is not None:
            self._transport.abort()

    def look(self, now: float) -> None:
        """End what waited too long: the oldest answer, or an unused connection."""
        if self._transport is None:
            return
        session, waits = self.session, self._relay.waits
        if self._is_writing():
            self._since = now
        if session is None:
            limit = waits.greeting
        elif session.owed:
            limit = waits.of(session.owed[0])
        elif now - self._since > waits.idle:
            return self.leave()
        else:
            return
        if now - self._since > limit:
            self._guard(lambda: self.drop(f"no answer in {limit:g} s"))

    def _is_writing(self) -> bool:
        """Whether bytes of ours left since the last look: a slow reader is no silent one."""
        assert self._transport is not None  # noqa: S101
        before, self._unwritten = self._unwritten, self._transport.get_write_buffer_size()
        return 0 < self._unwritten < before

    def _guard(self, work: Callable[[], None]) -> None:
        """An error of the feed (its journal cannot be written) ends the way out; nothing more leaves here."""
        try:
            work()
        except ssl.SSLError as error:
            self._broken(error)
        except Exception as error:  # noqa: BLE001 the owner raises it where it is awaited
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if self._transport is not None:
            self._transport.abort()
        self._owner.failed(error)

    def _receive(self, data: bytes) -> None:
        now = self._loop.time()
        try:
            if self._tls is not None:
                data = self._decrypted(data)
            if self._is_usual(data):
                self._since = now
            else:
                self._hear(data, now)
        except (NoReply, ssl.SSLError) as error:
            return self._broken(error)
        except Closed as closed:
            self._why = closed
            return self._close()
        self._flush()

    def _is_usual(self, data: bytes) -> bool:
        """Whether it was one content's answer and the leave for the next: nearly always, and taken at once."""
        if self.session is None or self._is_content_unwritten():
            return False
        final = self._replies.final(data)
        return final is not None and self.session.reply_and_leave(final)

    def _hear(self, data: bytes, now: float) -> None:
        """Replies, one by one."""
        is_unsent = self._is_content_unwritten()
        heard = []
        for reply in self._replies.feed(data):
            self._since = now
            heard.append(reply)
            if self.session is None:
                self._greeted(reply)
            else:
                self.session.reply(reply, unsent=is_unsent or self.session.dot_at is not None)
        self._replies.remember(data, heard)

    def _decrypted(self, data: bytes) -> bytes:
        assert self._tls is not None and self._transport is not None  # noqa: S101
        was_up = self._tls.is_up
        heard, answer = self._tls.receive(data)
        if answer:
            self._to_wire(answer)
        if self._tls.is_up and not was_up and self._relay.encryption is Encryption.STARTTLS:
            self._write(self.greeting.secured())
        return heard

    def _broken(self, error: Exception) -> None:
        words = getattr(error, "reason", None) or str(error)
        if isinstance(error, ssl.SSLCertVerificationError):
            words = f"its certificate is not trusted: {error.verify_message}"
        self.drop(f"{'TLS' if isinstance(error, ssl.SSLError) else 'it sent'} {words}"[:150])

    def _greeted(self, reply: Reply) -> None:
        if self.greeting.wants_tls:
            raise NoReply("something between STARTTLS and TLS")
        self._write(self.greeting.reply(reply))
        if self.greeting.wants_tls:
            return self._begin_tls()
        if self.greeting.offer is not None:
            self.session = Session(self._feed, self.greeting.offer, self._most)
            self._owner.ready(self)
            self.session.go()

    def _begin_tls(self) -> None:
        assert self._transport is not None  # noqa: S101
        self._replies = Replies()  # plain bytes that came with the 220 are not carried over
        try:
            self._tls = Tls(context(self._relay.authorities), self._relay.host)
        except OSError as error:
            self._why = Closed(
                f"cannot be trusted: {self._relay.authorities} cannot be used ({error.strerror})", _CA
            )
            return self._close()
        self._to_wire(self._tls.begin())

    def _is_content_unwritten(self) -> bool:
        assert self._transport is not None  # noqa: S101
        return self._written - self._transport.get_write_buffer_size() < self._content_ends

    def _go_on(self) -> None:
        assert self.session is not None  # noqa: S101
        self.session.go()
        self._flush()

    def _flush(self) -> None:
        session = self.session
        if session is None or self._transport is None:
            return
        if session.ended is not None:
            return self._close()
        if session.out:
            self._write_group(session)

    def _write_group(self, session: Session) -> None:
        assert self._transport is not None  # noqa: S101
        if len(session.owed) == session.asks:
            self._since = self._loop.time()
        dot_at, session.dot_at = session.dot_at, None
        if dot_at is not None and self._tls is None:
            self._content_ends = self._written + sum(map(len, session.out[:dot_at]))
        group = b"".join(session.out)
        session.out.clear()
        session.asks = 0
        self._write(group)
        if dot_at is not None:
            if self._tls is not None:  # the dot lies somewhere in the last records
                self._content_ends = self._written
            failpoint("m14")

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._to_wire(data if self._tls is None else self._tls.send(data))

    def _to_wire(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101
        self._written += len(data)
        self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close() if self._is_polite() else self._transport.abort()

    def _is_polite(self) -> bool:
        """Whether the end was the relay's or ours by the book; else no byte that waits may still leave."""
        return self.session is not None and self.session.ended == "QUIT"

    def _lost(self, error: Exception | None) -> None:
        self._transport = None
        words = f"the connection was lost ({type(error).__name__})" if error else "it closed the connection"
        if self.session is not None:
            self.session.end(words)
        elif self._why is None:
            self._why = Closed(f"does not answer: {words}")
        self._owner.ended(self, self._why)


def _own_name(transport: asyncio.Transport) -> str:
    """This host's full name, or its address as a literal (RFC 5321, 4.1.3)."""
    name = socket.gethostname()
    if _NAME.fullmatch(name):
        return name
    address = (transport.get_extra_info("sockname") or ("127.0.0.1",))[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
