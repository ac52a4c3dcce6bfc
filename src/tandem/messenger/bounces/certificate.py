"""Certificate and key of the inbound mail door: read at the start, and again when the files were renewed."""

import logging
import ssl
from pathlib import Path

from tandem.messenger.bounces.errors import NoCertificate

log = logging.getLogger("tandem.bounces")


class Certificate:
    """What the door shows of itself under TLS. Raises NoCertificate when it cannot be read at the start."""

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (Path(certificate), Path(key or certificate))
        self._context, self._seen = self._read(), self._ages()

    def context(self) -> ssl.SSLContext:
        """For one handshake. A renewed certificate that cannot be read is said in the log; the last one goes on."""
        try:
            ages = self._ages()
            if ages != self._seen:
                self._context, self._seen = self._read(), ages
        except (OSError, NoCertificate) as error:
            log.warning("bounces.door.certificate %s", error)
        return self._context

    def _read(self) -> ssl.SSLContext:
        certificate, key = self._files
        for file in self._files:
            try:
                file.open("rb").close()
            except OSError as error:
                raise _unusable(f"The file {file} cannot be read: {error.strerror}.") from error
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise _unusable(
                f"{certificate} and {key} are not a certificate and its key without a password."
            ) from error
        return context

    def _ages(self) -> tuple[float, ...]:
        return tuple(file.stat().st_mtime for file in self._files)


def of_settings(certificate: str, key: str) -> Certificate | None:
    """The certificate that settings name; None if they name none. Raises NoCertificate."""
    if key and not certificate:
        raise _unusable("There is a key and no certificate.")
    return Certificate(certificate, key) if certificate else None


def _unusable(words: str) -> NoCertificate:
    return NoCertificate(
        words,
        "Set TANDEM_BOUNCE_TLS_CERTIFICATE and TANDEM_BOUNCE_TLS_KEY to PEM files, or neither: no STARTTLS then.",
    )


def _no_password() -> str:
    """A process asks nobody."""
    raise ValueError("password")
