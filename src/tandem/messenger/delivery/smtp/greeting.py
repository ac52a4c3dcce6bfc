"""The beginning of a connection, without I/O: banner, EHLO, STARTTLS, AUTH, until messages may go."""

from base64 import b64encode
from collections.abc import Callable

from tandem.messenger.delivery.smtp.envelope import Offer
from tandem.messenger.delivery.smtp.relay import Encryption, Relay
from tandem.messenger.delivery.smtp.replies import Reply, said


class Closed(Exception):
    """The relay cannot be used now; in words, with advice."""

    def __init__(self, words: str, advice: str = "") -> None:
        super().__init__(words)
        self.words, self.advice = words, advice


class Greeting:
    """What to say next, until `offer` is there. wants_tls: the next bytes of both sides are TLS."""

    def __init__(self, relay: Relay, name: str) -> None:
        self._relay, self._name = relay, name
        self._is_secure = relay.encryption is Encryption.IMPLICIT
        self._next: Callable[[Reply], bytes] = self._banner
        self._found = Offer()
        self.offer: Offer | None = None
        self.wants_tls = False

    def reply(self, reply: Reply) -> bytes:
        """The bytes that answer a reply; none when it is done or TLS is next. Raises Closed."""
        return self._next(reply)

    def secured(self) -> bytes:
        """TLS stands: what was offered before counts for nothing (RFC 3207, 4.2)."""
        self.wants_tls, self._is_secure = False, True
        return self._hello()

    def _banner(self, reply: Reply) -> bytes:
        _must(reply, 220, "does not take connections now")
        return self._hello()

    def _hello(self) -> bytes:
        self._next = self._after_ehlo
        return f"EHLO {self._name}\r\n".encode()

    def _after_ehlo(self, reply: Reply) -> bytes:
        if reply.code // 100 == 5:
            self._next = self._after_helo
            return f"HELO {self._name}\r\n".encode()
        _must(reply, 250, "refuses EHLO")
        self._found = offer_of(reply.words)
        return self._secure_or_sign_in()

    def _after_helo(self, reply: Reply) -> bytes:
        _must(reply, 250, "refuses EHLO and HELO")
        self._found = Offer()
        return self._secure_or_sign_in()

    def _secure_or_sign_in(self) -> bytes:
        if self._relay.encryption is not Encryption.STARTTLS or self._is_secure:
            return self._sign_in()
        if not self._found.starttls:
            raise Closed(
                "does not offer STARTTLS, so nothing is sent",
                "Switch encryption off only for a relay on this machine or on a network you trust.",
            )
        self._next = self._after_starttls
        return b"STARTTLS\r\n"

    def _after_starttls(self, reply: Reply) -> bytes:
        _must(reply, 220, "refuses STARTTLS, so nothing is sent")
        self.wants_tls = True
        return b""

    def _sign_in(self) -> bytes:
        user, password = self._relay.user, self._relay.password
        if not user:
            return self._done()
        if "PLAIN" in self._found.auth:
            self._next = self._after_auth
            return b"AUTH PLAIN " + b64encode(f"\0{user}\0{password}".encode()) + b"\r\n"
        if "LOGIN" in self._found.auth:
            self._next = self._after_login
            return b"AUTH LOGIN\r\n"
        raise Closed("offers no way to sign in that is known here (PLAIN, LOGIN)", "Ask who runs the relay.")

    def _after_login(self, reply: Reply) -> bytes:
        _must(reply, 334, "refuses to sign in", _CREDENTIALS)
        self._next = self._after_user
        return b64encode(self._relay.user.encode()) + b"\r\n"

    def _after_user(self, reply: Reply) -> bytes:
        _must(reply, 334, "refuses the user", _CREDENTIALS)
        self._next = self._after_auth
        return b64encode(self._relay.password.encode()) + b"\r\n"

    def _after_auth(self, reply: Reply) -> bytes:
        _must(reply, 235, "refuses user and password", _CREDENTIALS)
        return self._done()

    def _done(self) -> bytes:
        self.offer = self._found
        return b""


_CREDENTIALS = "Check user and password of the relay."


def offer_of(words: bytes) -> Offer:
    """What the lines of an EHLO reply offer."""
    lines = [
        line.upper().replace("=", " ").split() for line in words.decode("ascii", "replace").split("\n")[1:]
    ]
    offered = {line[0]: line[1:] for line in lines if line}
    size = next(iter(offered.get("SIZE", [])), "")
    return Offer(
        pipelining="PIPELINING" in offered,
        starttls="STARTTLS" in offered,
        smtputf8="SMTPUTF8" in offered,
        eightbit="8BITMIME" in offered,
        size=int(size) if size.isdecimal() and size.isascii() and len(size) < 16 else 0,
        auth=frozenset(offered.get("AUTH", [])),
    )


def _must(reply: Reply, code: int, words: str, advice: str = "") -> None:
    if reply.code != code:
        raise Closed(f"{words}: {said(reply)}", advice)
