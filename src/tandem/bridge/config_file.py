"""The bridge's configuration file: TOML, checked at the start; it names secrets by environment variable, holds none."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tandem.bridge.config import (
    Channel,
    Config,
    ConfigWrong,
    Credentials,
    MessengerSide,
    Pair,
    PlannerSide,
)
from tandem.clients import profile as profiles
from tandem.clients.messenger_calls import checked_url
from tandem.clients.profile import MESSENGER, PLAIN, Profile
from tandem.kit import addresses
from tandem.kit.problems import Refused
from tandem.kit.zones import zone_of

_NAME = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,39}$")
_COLUMN = re.compile(r"^[A-Za-z0-9_. -]{1,60}$")
_SECRETS = frozenset({"user", "password", "token", "api_key", "key", "secret"})


def load(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a file. Raises ConfigWrong, which names what is wrong and where."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigWrong(
            f"{path} cannot be read: {error.strerror}.", "Give the file with --config."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigWrong(
            f"{path} is not TOML: {error}.", "docs/how-to/run-the-bridge.md has an example."
        ) from error
    return _Reader(path.resolve().parent, os.environ if environment is None else environment).config(document)


class _Table:
    """A table of the file, its keys taken one by one; what is left at the end means nothing."""

    def __init__(self, where: str, found: Any) -> None:
        if not isinstance(found, dict):
            raise ConfigWrong(f"{where} is not a table.", "Write it as [name] and lines below it.")
        self.where, self._left = where, dict(found)
        self._known: list[str] = []

    def take(self, key: str, kind: type, default: Any = None, *, needed: bool = False) -> Any:
        """A value of that type."""
        self._known.append(key)
        value = self._left.pop(key, None)
        if value is None:
            if needed:
                raise ConfigWrong(f"{self.where} has no {key}.", f"Add {key} = ...")
            return default
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            words = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
            raise ConfigWrong(f"{key} in {self.where} is not {words.get(kind, f'a {kind.__name__}')}.")
        return value

    def refuse_secrets(self) -> None:
        """What is secret is never in the file."""
        for key in sorted(_SECRETS & set(self._left)):
            raise ConfigWrong(
                f"{key} stands in {self.where} itself.",
                f'Put it into the environment and name the variable: {key}_env = "NAME".',
            )

    def end(self) -> None:
        """Refuse what nobody asked for."""
        for key in self._left:
            known = ", ".join(self._known)
            raise ConfigWrong(f"{self.where} has {key!r}, which means nothing here.", f"It knows {known}.")


class _Reader:
    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment

    def config(self, document: dict[str, Any]) -> Config:
        top = _Table("the file", document)
        host, port = _address(top.take("listen", str, "127.0.0.1:8400"))
        pairs = tuple(
            self.pair(_Table(f"pair {number}", found))
            for number, found in enumerate(top.take("pair", list, needed=True), 1)
        )
        allow = _texts(top, "allow_private")
        try:
            addresses.parse_pairs(allow)
        except ValueError as error:
            raise ConfigWrong(f"allow_private: {error}.", 'Write it as ["10.0.0.5:8200"].') from error
        found = Config(
            state=self._folder / top.take("state", str, "bridge.db"),
            host=host,
            port=port,
            public_url=_public(top.take("public_url", str, f"http://{host}:{port}")),
            pairs=pairs,
            allow_private=allow,
            ports=tuple(top.take("ports", list, [])),
            tick=_between(top, "tick_seconds", 2.0, 0.02, 60),
        )
        top.end()
        return _checked(found)

    def pair(self, table: _Table) -> Pair:
        name = table.take("name", str, needed=True)
        if not _NAME.match(name):
            raise ConfigWrong(
                f"The pair's name {name!r} is not one.", "Use small letters, digits, - and _; at most 40."
            )
        table.where = f"pair {name}"
        columns = _Table(f"[pair.attributes] of {name}", table.take("attributes", dict, {}))
        found = Pair(
            name=name,
            zone=_zone(table),
            planner=self.planner(
                _Table(f"[pair.planner] of {name}", table.take("planner", dict, needed=True))
            ),
            messenger=self.messenger(
                _Table(f"[pair.messenger] of {name}", table.take("messenger", dict, needed=True))
            ),
            channels=tuple(
                _channel(_Table(f"[[pair.channel]] of {name}", one))
                for one in table.take("channel", list, needed=True)
            ),
            hears=_word(table, "hears", "events", ("events", "polling")),
            poll_seconds=_between(table, "poll_seconds", 300, 0.05, 86_400),
            late_minutes=_between(table, "late_minutes", 60, 0, 1440),
            catalogue=table.take("catalogue", bool, False),
            catalogue_minutes=_between(table, "catalogue_minutes", 15, 0.01, 1440),
            report_hours=_hours(table),
            promo_column=table.take("promo_column", str, "promoCode"),
            attributes=_columns(columns),
        )
        table.end()
        return _checked_pair(found)

    def planner(self, table: _Table) -> PlannerSide:
        table.refuse_secrets()
        url = table.take("url", str, needed=True).rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.username:
            raise ConfigWrong(
                f"url in {table.where} is not an address.", "It looks like https://api5.example.net."
            )
        found = PlannerSide(
            url=url,
            credentials=self._credentials(table, "api_key_env"),
            profile=self._profile(table, PLAIN),
            replace=table.take("replace_listener", bool, False),
        )
        table.end()
        return found

    def messenger(self, table: _Table) -> MessengerSide:
        table.refuse_secrets()
        try:
            api_url = checked_url(table.take("url", str, needed=True))
        except Refused as refused:
            raise ConfigWrong(f"url in {table.where}: {refused.detail}", refused.advice) from refused
        found = MessengerSide(
            api_url=api_url,
            customer_id=table.take("customer_id", str, needed=True),
            credentials=self._credentials(table, "token_env"),
            profile=self._profile(table, MESSENGER),
            jobs=table.take("jobs", bool, True),
            waits=table.take("job_waits", bool, False),
            create=table.take("create_properties", bool, False),
        )
        table.end()
        return found

    def _credentials(self, table: _Table, key_name: str) -> Credentials:
        found = Credentials(
            user=self._secret(table, "user_env"),
            password=self._secret(table, "password_env"),
            key=self._secret(table, key_name),
        )
        if not found.key and not (found.user and found.password):
            raise ConfigWrong(
                f"{table.where} names no credentials.", f"Name {key_name}, or user_env and password_env."
            )
        return found

    def _secret(self, table: _Table, key: str) -> str:
        name = table.take(key, str, "")
        if name and not self._environment.get(name):
            raise ConfigWrong(
                f"{key} in {table.where} names {name}, which is not set.", f"Set {name} in the environment."
            )
        return self._environment.get(name, "") if name else ""

    def _profile(self, table: _Table, plain: Profile) -> Profile:
        name = table.take("profile", str, "")
        if not name:
            return plain
        try:
            return profiles.parse((self._folder / name).read_text(), plain)
        except OSError as error:
            raise ConfigWrong(
                f"The profile {name} of {table.where} cannot be read: {error.strerror}."
            ) from error


def _channel(table: _Table) -> Channel:
    number = table.take("id", int, needed=True)
    kind = _word(table, "kind", "", ("email", "sms"))
    found = Channel(id=number, kind=kind, project=table.take("project", int))
    table.end()
    return found


def _word(table: _Table, key: str, default: str, words: tuple[str, ...]) -> Any:
    found = table.take(key, str, default)
    if found not in words:
        raise ConfigWrong(f"{key} in {table.where} is {found!r}.", f"Write {' or '.join(words)}.")
    return found


def _between(table: _Table, key: str, default: float, low: float, high: float) -> float:
    found: float = table.take(key, float, float(default))
    if not low <= found <= high:
        raise ConfigWrong(f"{key} in {table.where} is out of range.", f"It is from {low:g} to {high:g}.")
    return found


def _hours(table: _Table) -> tuple[float, ...]:
    found = table.take("report_hours", list, [24])
    plain = all(type(one) in (int, float) and 0 <= one <= 14 * 24 for one in found)
    if not found or not plain or sorted(found) != found:
        raise ConfigWrong(
            f"report_hours in {table.where} is not a list of hours, the smallest first.", "Write it as [24]."
        )
    return tuple(float(one) for one in found)


def _columns(table: _Table) -> dict[str, str]:
    names = list(table._left)
    found = {name: table.take(name, str) for name in names}
    for name, column in found.items():
        if any(mark in name for mark in ",;") or not _COLUMN.match(column) or column.lower() == "originalid":
            raise ConfigWrong(
                f"{name} = {column!r} in {table.where} is no column.", 'Write it as Country = "country".'
            )
    return found


def _zone(table: _Table) -> str:
    name: str = table.take("zone", str, needed=True)
    try:
        zone_of(name)
    except Refused as refused:
        raise ConfigWrong(f"zone in {table.where}: {refused.detail}", refused.advice) from refused
    return name


def _texts(table: _Table, key: str) -> tuple[str, ...]:
    found = table.take(key, list, [])
    if not all(isinstance(one, str) for one in found):
        raise ConfigWrong(f"{key} in {table.where} is not a list of texts.")
    return tuple(found)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigWrong(f"listen is {text!r}.", 'Write it as "127.0.0.1:8400".')
    return host.strip("[]"), int(port)


def _public(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ConfigWrong(f"public_url is {url!r}.", "Write the address at which planners reach the bridge.")
    return url.rstrip("/")


def _checked_pair(pair: Pair) -> Pair:
    numbers = [one.id for one in pair.channels]
    if not numbers or len(set(numbers)) != len(numbers):
        raise ConfigWrong(
            f"Pair {pair.name} has no channel, or one twice.", "Write a [[pair.channel]] for each."
        )
    if pair.promo_column and (
        not _COLUMN.match(pair.promo_column) or pair.promo_column.lower() == "originalid"
    ):
        raise ConfigWrong(f"promo_column of pair {pair.name} is no column.", "Leave it empty for none.")
    return pair


def _checked(config: Config) -> Config:
    names = [pair.name for pair in config.pairs]
    if not names or len(set(names)) != len(names):
        raise ConfigWrong("There is no pair, or two have the same name.", "Write a [[pair]] for each.")
    taken: dict[tuple[str, str, int], str] = {}
    for pair in config.pairs:
        signs_in = pair.planner.credentials.user or pair.planner.credentials.key
        for channel in pair.channels:
            other = taken.setdefault((pair.planner.url.lower(), signs_in, channel.id), pair.name)
            if other != pair.name:
                raise ConfigWrong(
                    f"Pairs {other} and {pair.name} have the same planner account and channel {channel.id}.",
                    "Its campaigns would be sent twice. A channel belongs to one pair.",
                )
    if not all(type(port) is int and 0 < port < 65_536 for port in config.ports):
        raise ConfigWrong("ports is not a list of port numbers.", "Write it as [8443].")
    return config
