"""One connection to the simulated relay: commands and content in, replies out, what was taken written down first."""

import asyncio
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from tandem.simulators.relay_script import Rule, Turns

if TYPE_CHECKING:
    from tandem.simulators.relay import Relay

END = b"\r\n.\r\n"
LONGEST_LINE = 12_288
GARBAGE = b"\x16\xff\x00\x80 no reply \xfe\r\n"
_PATH = re.compile(rb"(?:FROM|TO):\s*<([^>]*)>", re.IGNORECASE)
_OK = "250 2.0.0 ok"


class Session(asyncio.Protocol):
    """A server's side of RFC 5321, on bytes as they come."""

    def __init__(self, relay: "Relay") -> None:
        self._relay, self._turns, self._script = relay, relay.turns(), relay.script
        self._transport: asyncio.Transport | None = None
        self._in, self._out, self._taken = b"", list[bytes](), list[bytes]()
        self._own: Counter[Rule] = Counter()
        self._held = self._is_content = self._is_looked_at = False
        self._early = ""
        self._is_secure = self._is_known = False
        self._ask: Callable[[bytes], None] | None = None
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._messages = self._scanned = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._steps = {
            b"EHLO": self._ehlo, b"HELO": self._helo, b"STAR": self._starttls, b"AUTH": self._auth,
            b"MAIL": self._mail, b"RCPT": self._rcpt, b"DATA": self._data, b"RSET": self._rset,
            b"NOOP": self._noop, b"QUIT": self._quit,
        }  # fmt: skip

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The banner."""
        self._transport = cast("asyncio.Transport", transport)
        self._is_secure = transport.get_extra_info("sslcontext") is not None
        self._relay.open.add(self)
        self._relay.connections += 1
        if self._script.connections and len(self._relay.open) > self._script.connections:
            return self._finish("421 4.7.0 too many connections", close=True)
        self._say("banner", f"220 {self._script.name} ESMTP simulated")
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self._transport = None
        self._relay.open.discard(self)
        if self._waiting:
            self._waiting.cancel()

    def data_received(self, data: bytes) -> None:
        """Work on what came, unless an answer is held back."""
        self._in = self._in + data if self._in else data
        if not self._held:
            self._work()

    def follow(self, turns: Turns) -> None:
        """Misbehave like this from now on."""
        self._turns = turns

    def hang_up(self) -> None:
        """Close at once."""
        self._held = True
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        at = 0
        while not self._held and self._transport is not None:
            size = self._content(at) if self._is_content else self._line(at)
            if not size:
                break
            at += size
        self._in = self._in[at:]
        self._flush()

    def _line(self, at: int) -> int:
        """One command; how many bytes it had, 0 if it is not whole yet."""
        end = self._in.find(b"\r\n", at)
        if end < 0:
            if len(self._in) - at > LONGEST_LINE:
                self._finish("500 5.5.2 line too long", close=True)
            return 0
        line = self._in[at:end]
        if not self._script.pipelining and len(self._in) > end + 2:
            self._finish("421 4.5.0 improper use of pipelining", close=True)
        elif self._ask is not None:
            ask, self._ask = self._ask, None
            ask(line)
        else:
            self._steps.get(line[:4].upper(), self._unknown)(line)
        return end + 2 - at

    def _content(self, at: int) -> int:
        """The content up to its dot; how many bytes it had, 0 if it is not whole yet."""
        if self._in.startswith(b".\r\n", at):
            self._dot(b"")
            return 3
        end = self._in.find(END, max(at, at + self._scanned - 4))
        here = (len(self._in) if end < 0 else end) - at
        if not self._is_looked_at and self._relay.is_long_enough(here):
            self._answer_early()
        self._scanned = here
        if end < 0:
            return 0
        self._dot(self._in[at : end + 2])
        return end + len(END) - at

    def _answer_early(self) -> None:
        self._is_looked_at = True
        rule = self._turns.rule("content", self._recipients[0] if self._recipients else "", self._own)
        if rule is not None:
            self._early = rule.reply or "552 5.3.4 too big"
            self._answer(rule, self._early)

    def _dot(self, content: bytes) -> None:
        self._is_content, self._is_looked_at, self._scanned = False, False, 0
        sender, self._sender = self._sender, None
        recipients, self._recipients = self._recipients, []
        if self._early:
            early, self._early = self._early, ""
            return self._take(sender, recipients, content) if early.startswith("2") else None
        rule = self._turns.rule("dot", recipients[0] if recipients else "", self._own)
        normal = "250 2.0.0 taken" if recipients else "554 5.5.1 no valid recipients"
        if len(content) > self._script.size:
            normal = "552 5.3.4 too big"
        reply = (rule and rule.reply) or normal
        is_lost = rule is not None and rule.do in {"drop", "silence", "garbage"} and not rule.logged
        if reply.startswith("2") and recipients and not is_lost:
            self._take(sender, recipients, content)
        self._answer(rule, reply)

    def _take(self, sender: str | None, recipients: list[str], content: bytes) -> None:
        self._messages += 1
        self._taken.append(self._relay.note(sender or "", recipients, content))

    def _ehlo(self, line: bytes) -> None:
        script = self._script
        lines = [script.name, f"SIZE {script.size}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        lines += ["PIPELINING"] * script.pipelining + ["SMTPUTF8"] * script.smtputf8
        if script.starttls and not self._is_secure:
            lines.append("STARTTLS")
        if script.user:
            lines.append("AUTH PLAIN LOGIN")
        self._reset()
        self._say("ehlo", "250 " + "\n".join(lines))

    def _helo(self, line: bytes) -> None:
        self._reset()
        self._say("helo", f"250 {self._script.name}")

    def _starttls(self, line: bytes) -> None:
        if not self._script.starttls or self._is_secure:
            return self._out.append(b"502 5.5.1 not offered\r\n")
        if self._say("starttls", "220 2.0.0 go ahead") == "220" and not self._held:
            self._held = True
            self._flush()
            self._in = b""
            if self._transport is not None:
                self._transport.pause_reading()
                self._relay.later(self._upgrade())

    async def _upgrade(self) -> None:
        loop, context = asyncio.get_running_loop(), self._relay.context()
        try:
            assert self._transport is not None  # noqa: S101
            made = await loop.start_tls(self._transport, self, context, server_side=True)
        except (OSError, EOFError, AssertionError):
            return self.hang_up()
        self._transport = made
        self._is_secure, self._held, self._in = True, False, b""
        self._reset()

    def _auth(self, line: bytes) -> None:
        words = line.split(b" ")
        kind, first = words[1].upper() if len(words) > 1 else b"", words[2] if len(words) > 2 else b""
        if not self._script.user:
            self._out.append(b"502 5.5.1 not offered\r\n")
        elif kind == b"PLAIN" and first:
            self._plain(first)
        elif kind == b"PLAIN":
            self._ask = self._plain
            self._out.append(b"334 \r\n")
        elif kind == b"LOGIN" and first:
            self._user_name(first)
        elif kind == b"LOGIN":
            self._ask = self._user_name
            self._out.append(b"334 VXNlcm5hbWU6\r\n")
        else:
            self._out.append(b"504 5.5.4 PLAIN or LOGIN\r\n")

    def _plain(self, told: bytes) -> None:
        self._judge(_decoded(told).split("\0")[-2:])

    def _user_name(self, told: bytes) -> None:
        self._ask = lambda password: self._judge([_decoded(told), _decoded(password)])
        self._out.append(b"334 UGFzc3dvcmQ6\r\n")

    def _judge(self, told: list[str]) -> None:
        is_right = told == [self._script.user, self._script.password]
        code = self._say("auth", "235 2.7.0 welcome" if is_right else "535 5.7.8 not these")
        self._is_known = code == "235"

    def _mail(self, line: bytes) -> None:
        script, found = self._script, _PATH.search(line)
        self._reset()
        normal = _OK
        if script.messages and self._messages >= script.messages:
            return self._finish("421 4.7.0 too many messages on this connection", close=True)
        if found is None:
            normal = "501 5.5.4 MAIL FROM:<address>"
        elif (script.starttls_required and not self._is_secure) or (script.user and not self._is_known):
            normal = "530 5.7.0 first encrypt and sign in"
        if self._say("mail", normal) == "250" and found is not None:
            self._sender = found[1].decode("utf-8", "replace")

    def _rcpt(self, line: bytes) -> None:
        found = _PATH.search(line)
        to = found[1].decode("utf-8", "replace") if found else ""
        normal = (
            "501 5.5.4 RCPT TO:<address>"
            if not to
            else _OK
            if self._sender is not None
            else "503 5.5.1 no MAIL"
        )
        if self._say("rcpt", normal, to)[:2] == "25":
            self._recipients.append(to)

    def _data(self, line: bytes) -> None:
        to = self._recipients[0] if self._recipients else ""
        may = self._recipients or self._script.lenient
        self._is_content = self._say("data", "354 go on" if may else "503 5.5.1 no recipients", to) == "354"

    def _rset(self, line: bytes) -> None:
        self._reset()
        self._say("rset", _OK)

    def _noop(self, line: bytes) -> None:
        self._say("noop", _OK)

    def _quit(self, line: bytes) -> None:
        self._say("quit", "221 2.0.0 bye")
        if not self._held:
            self._finish("", close=True)

    def _unknown(self, line: bytes) -> None:
        self._out.append(b"500 5.5.2 not known\r\n")

    def _reset(self) -> None:
        self._sender, self._recipients = None, []

    def _say(self, step: str, normal: str, to: str = "") -> str:
        """Answer a step as the script has it; the code that was given, empty if none was."""
        rule = self._turns.rule(step, to, self._own)
        reply = (rule and rule.reply) or normal
        self._answer(rule, reply)
        return reply[:3] if rule is None or rule.do in {"", "slow"} else ""

    def _answer(self, rule: Rule | None, reply: str) -> None:
        if rule is None:
            return self._out.append(_wire(reply))
        if rule.seconds and rule.do != "slow":
            self._hold(rule.seconds, lambda: self._in_its_manner(rule, reply))
        else:
            self._in_its_manner(rule, reply)

    def _in_its_manner(self, rule: Rule, reply: str) -> None:
        if rule.do == "drop":
            return self._finish("", close=True)
        if rule.do == "silence":
            return self._hold(86_400, lambda: None)
        if rule.do == "slow":
            return self._drip(_wire(reply) + rule.more.encode("latin-1"), rule)
        if rule.do == "endless":
            return self._go_on(reply)
        if rule.do == "garbage" and rule.at == "starttls":
            self._out.append(_wire(reply))
            return self._hold(0.05, lambda: self._out.append(GARBAGE))
        self._out.append(GARBAGE if rule.do == "garbage" else _wire(reply))
        self._out.append(rule.more.encode("latin-1"))
        if rule.close:
            self._finish("", close=True)

    def _finish(self, reply: str, *, close: bool) -> None:
        if reply:
            self._out.append(_wire(reply))
        self._flush()
        if close:
            self._held = True
            if self._transport is not None:
                self._transport.close()

    def _hold(self, seconds: float, then: Callable[[], None]) -> None:
        """Nothing more is read or answered until then."""
        self._flush()
        self._held = True

        def go_on() -> None:
            self._held = False
            then()
            if not self._held:
                self._work()

        self._waiting = asyncio.get_running_loop().call_later(seconds, go_on)

    def _drip(self, rest: bytes, rule: Rule) -> None:
        if not rest:
            return self._finish("", close=True) if rule.close else None
        self._out.append(rest[:1])
        self._hold(rule.seconds or 1.0, lambda: self._drip(rest[1:], rule))

    def _go_on(self, reply: str) -> None:
        if self._transport is not None and self._transport.get_write_buffer_size() < 1 << 16:
            self._out.append(f"{reply[:3]}-still talking\r\n".encode() * 100)
        self._hold(0.01, lambda: self._go_on(reply))

    def _flush(self) -> None:
        """What was taken is written down before anybody hears of it."""
        if self._taken:
            self._relay.write_down(self._taken)
            self._taken.clear()
        if self._out:
            said = b"".join(self._out)
            self._out.clear()
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(said)


def _wire(reply: str) -> bytes:
    code, first, *more = reply[:3], *reply[4:].split("\n")
    lines = [first, *more]
    marks = ["-"] * len(more) + [" "]
    return "".join(f"{code}{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)).encode()


def _decoded(told: bytes) -> str:
    try:
        return b64decode(told, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
