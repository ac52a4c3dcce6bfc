"""What can go wrong at the way in."""

from tandem.kit.problems import Conflict, NotFound, Problem, Refused


class NotSignedIn(Problem):
    """No credentials, or wrong ones."""

    title = "Not signed in"
    status = 401


class WrongAccount(Problem):
    """Right credentials of another account."""

    title = "Not this account's"
    status = 403


class UnknownAccount(NotFound):
    """There is no such account."""

    title = "No such account"


class AccountTaken(Conflict):
    """The name or the customer id is in use."""

    title = "Already taken"


class BadAccount(Refused):
    """The values of an account or a user break a rule."""
