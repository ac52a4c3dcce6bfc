"""What can go wrong at the listener, in words."""

from tandem.kit.problems import Conflict, NotFound, OtherSideFailed, Refused


class NotConnected(Conflict):
    """The account has no planner yet."""

    title = "No planner is connected"


class ConnectionWrong(Refused):
    """The planner's address, zone or credentials cannot be right."""

    title = "The connection is not complete"


class UnknownListener(NotFound):
    """No account has this address."""

    title = "Not found"


class InboxNotFound(NotFound):
    """The account heard of no such campaign."""

    title = "No such campaign"


class EventNotUsable(OtherSideFailed):
    """What a real-time event names cannot be sent."""

    title = "The planner's event cannot be used"


class ListNotUsable(OtherSideFailed):
    """What the planner serves cannot be sent."""

    title = "The planner's list cannot be used"
