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
