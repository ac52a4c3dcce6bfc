"""What can go wrong with accounts, people and programs."""

from tandem.kit.problems import Conflict, NotFound, Problem, Refused


class AccountUnknown(NotFound):
    """No such account."""

    title = "Account not found"


class ChooseAccount(Refused):
    """There are several accounts and none was named."""

    title = "Choose an account"


class AccountRefused(Refused):
    """The account, user or credential breaks a rule."""


class CredentialUnknown(NotFound):
    """No such credential in the account."""

    title = "Credential not found"


class NameTaken(Conflict):
    """Another one has the name."""

    title = "The name is taken"


class WrongCredentials(Problem):
    """User, password or key are wrong, or disabled."""

    title = "Wrong user name or password"
    status = 401


class TokenExpired(Problem):
    """The login token is known but too old."""

    title = "The login has expired"
    status = 403


class TooManyFailures(Problem):
    """Too many wrong passwords."""

    title = "Too many attempts"
    status = 429


class TooManyLogins(Problem):
    """Logins faster than one a second."""

    title = "Too many logins"
    status = 429


class NotFromHere(Problem):
    """The credential may not be used from this network address."""

    title = "Not allowed from this address"
    status = 403


class TooManyCalls(Problem):
    """A key called faster than it may; wait = whole seconds until it may again."""

    title = "Too many calls"
    status = 429

    def __init__(self, detail: str, *, wait: int) -> None:
        super().__init__(detail, f"Wait {wait} s.")
        self.wait = wait
