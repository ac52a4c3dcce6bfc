"""The simulated messenger: Symplify's credentials, routing and errors; what it answers is in the modules it imports."""

import base64
import threading
from typing import Any

from tandem.contract.reading import ContractBroken
from tandem.kit.clock import Clock
from tandem.kit.problems import Problem
from tandem.simulators import messenger_lists, messenger_sends, messenger_templates
from tandem.simulators.messenger_deviations import MessengerDeviant
from tandem.simulators.messenger_listener import PATH, Listener
from tandem.simulators.messenger_routes import ROUTES, AlreadyDone, Call, NotOffered, Unknown
from tandem.simulators.messenger_world import World
from tandem.simulators.server import Reply, Request, json_reply

#: modules whose calls are answered, by being imported
ANSWERED = (messenger_templates, messenger_lists, messenger_sends)
RESULTS = "/_results/"
_ERRORS: dict[type[Exception], tuple[int, str]] = {
    Unknown: (404, "There is no such thing."),
    KeyError: (404, "There is no such thing."),
    AlreadyDone: (409, "This was done already."),
    NotOffered: (501, "This is known by name only."),
}


class Messenger:
    """A messenger with one account, one list, one project.

    deviations: names of ways to differ from the contract. takes_twice: a generation job takes a second upload, and
    would send it again, as nobody says that Symplify does not.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        customer_id: str = "5004",
        token: str = "simulator",
        user: str = "simulator",
        password: str = "simulator",
        contacts: int = 1000,
        seed: int = 1,
        deviations: tuple[str, ...] = (),
        takes_twice: bool = False,
    ) -> None:
        self.world = World(clock=clock, contacts=contacts, seed=seed)
        self._customer, self._token, self._takes_twice = customer_id, token, takes_twice
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._deviant = MessengerDeviant(deviations)
        self._listener: Listener | None = None
        self._lock = threading.RLock()

    def answer(self, request: Request) -> Reply:
        """Answer one call; errors are `{"error": ...}`."""
        if request.path.startswith(RESULTS):
            return self._result(request.path.removeprefix(RESULTS).removesuffix("_result.json"))
        if request.path == PATH and request.method == "POST":
            return self._heard(request.body)
        refused = self._refused(request)
        if refused:
            return refused
        path = request.path.removeprefix(f"/rest/{self._customer}")
        try:
            with self._lock:
                return self._found(path, request)
        except tuple(_ERRORS) as error:
            return self._deviant.failed(path, _error(*_ERRORS[type(error)]))
        except (ValueError, TypeError, AttributeError):
            return _error(400, "The request cannot be read.")

    def _found(self, path: str, request: Request) -> Reply:
        other_method = False
        for one in ROUTES:
            match = one.pattern.match(path)
            if match and one.method == request.method:
                call = Call(
                    world=self.world, customer=self._customer, places=match.groupdict(),
                    request=self._deviant.asked(request), takes_twice=self._takes_twice,
                )  # fmt: skip
                if self._deviant.lacks(one.name):
                    raise Unknown
                return self._deviant.answer(one.name, call, one.handler(call))
            other_method = other_method or bool(match)
        return (
            _error(405, "Not by this method.") if other_method else _error(404, "There is no such address.")
        )

    def _refused(self, request: Request) -> Reply | None:
        if not request.path.startswith("/rest/"):
            return _error(404, "The API is below /rest.")
        token = self._deviant.token_of(request.headers)
        right = (
            token == self._token if token is not None else request.headers.get("authorization") == self._basic
        )
        if not right:
            return Reply(
                status=401,
                body=b'{"error":"Unauthorized"}',
                headers={"WWW-Authenticate": 'Basic realm="rest"'},
            )
        if request.path.split("/")[2:3] != [self._customer]:
            return _error(403, "Not this account's.")
        return None

    def _listen(self, fields: dict[str, Any]) -> Any:
        made = Listener(
            self.world, planner=str(fields["planner"]), user=str(fields["user"]),
            password=str(fields["password"]), channels=[int(one) for one in fields["channels"]], lock=self._lock,
        )  # fmt: skip
        try:
            made.register(str(fields["own"]).rstrip("/"))
        except Problem as problem:
            raise ValueError(problem.detail) from problem
        self._listener = made
        return {"channels": fields["channels"]}

    def _heard(self, body: bytes) -> Reply:
        if self._listener is None:
            return _error(404, "Nobody listens.")
        try:
            self._listener.hear(body)
        except ContractBroken as error:
            return _error(400, str(error))
        return json_reply({"message": "heard"})

    def _result(self, number: str) -> Reply:
        """The file of an export: its address needs no credential, as a pre-signed one does not."""
        with self._lock:
            if not number.isdigit() or int(number) not in self.world.results:
                return _error(404, "There is no such thing.")
            return json_reply(messenger_sends.records(self.world, self.world.results[int(number)]))

    def control(self, verb: str, fields: dict[str, Any]) -> Any:
        """`messages`, `jobs`, `change` (a contact: originalId and fields), `happen` (originalId, kind, trigger).

        `listen` (planner, user, password, channels, own: this simulator's address) registers at a planner; `heard`
        tells what became of its campaigns.
        """
        if verb == "listen":
            return self._listen(fields)
        with self._lock:
            if verb == "heard":
                return list(self._listener.heard.values()) if self._listener else []
            if verb == "change":
                return self.world.change(str(fields["originalId"]), fields)
            if verb == "happen":
                return self.world.happen(
                    str(fields["kind"]), int(fields["trigger"]), str(fields["originalId"])
                )
            return {"messages": self.world.messages, "jobs": list(self.world.jobs.values())}[verb]


def _error(status: int, words: str) -> Reply:
    return json_reply({"error": words}, status)
