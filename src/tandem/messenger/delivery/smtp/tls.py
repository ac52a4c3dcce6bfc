"""TLS over memory: the connection keeps the transport, so nothing that came before it can slip in behind it."""

import ssl

LARGEST_READ = 1 << 18


class Tls:
    """Bytes of the wire in and out of one side of TLS. Raises ssl.SSLError."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self.is_up = False

    def begin(self) -> bytes:
        """The first bytes of the handshake."""
        return self._shake()

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """(what was said, what must be written). An end of TLS raises as well."""
        self._in.write(data)
        answer = b"" if self.is_up else self._shake()
        heard = []
        while self.is_up:
            try:
                some = self._tls.read(LARGEST_READ)
            except ssl.SSLWantReadError:
                break
            if not some:
                raise ssl.SSLZeroReturnError("closed")
            heard.append(some)
        return b"".join(heard), answer + self._out.read()

    def send(self, data: bytes) -> bytes:
        """The bytes for the wire."""
        self._tls.write(data)
        return self._out.read()

    def _shake(self) -> bytes:
        try:
            self._tls.do_handshake()
            self.is_up = True
        except ssl.SSLWantReadError:
            pass
        return self._out.read()
