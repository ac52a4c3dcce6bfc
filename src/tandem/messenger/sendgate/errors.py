"""What can go wrong at a Send Gate, in words."""

from tandem.kit.problems import Conflict, NotFound, Problem, Refused


class UnknownHold(NotFound):
    """No sending is held under this address or number."""

    title = "Nothing is held here"


class HoldOver(Conflict):
    """The sending is not held any more."""

    title = "Not held any more"


class AnswerRefused(Refused):
    """The gate's answer cannot be taken; nothing was changed."""

    title = "The answer cannot be taken"
    status = 400


class BadLink(Problem):
    """The link to a contact file is not one of ours, or it has expired."""

    title = "This link does not count"
    status = 403
