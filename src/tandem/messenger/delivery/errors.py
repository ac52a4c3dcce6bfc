"""What can go wrong in delivery, in words."""

from tandem.kit.problems import Conflict, NotFound, Problem, Refused


class SendingNotFound(NotFound):
    """No such sending in this account."""

    title = "No such sending"


class SendingOver(Conflict):
    """The sending has ended."""

    title = "The sending is over"


class ListChanged(Conflict):
    """A sending for the same source exists with other rows."""

    title = "This list was taken already"


class ListedTwice(Conflict):
    """A list names a customer twice."""

    title = "The list names a customer twice"


class BadToken(NotFound):
    """The link is not one of ours."""

    title = "This link is not valid"


class ProviderRefused(Refused):
    """The way out that was asked for may not be used."""

    title = "This way of sending is locked"


class ClaimLost(Problem):
    """Another sender has the block now; the one that raises this must stop touching it."""

    title = "The claim is gone"
    status = 409


class OutboundStopped(Problem):
    """Messages cannot leave for a reason that is not the recipient's; nothing is marked."""

    title = "Messages cannot leave now"
    status = 503


class KeyNotFound(NotFound):
    """No such DKIM key in this account."""

    title = "No such key"


class KeyExists(Conflict):
    """The domain has a key of this name."""

    title = "There is a key of this name"


class KeyRefused(Refused):
    """A DKIM key cannot be made or used as it was asked for."""

    title = "This key cannot be used"


class BadRate(Refused):
    """A pace that a sending cannot have."""

    title = "That pace cannot be"


class NothingFailed(Conflict):
    """A retry of a sending in which nothing has failed."""

    title = "Nothing to try again"
