"""What people are told when a limit cannot be."""

from tandem.kit.problems import NotFound, Refused


class BadLimit(Refused):
    """A limit, a schedule or a rule that cannot be kept."""

    title = "That limit cannot be"


class NoSuchLimit(NotFound):
    """A limit that the account does not have."""

    title = "No such limit"
