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


class CancellationUnclear(OtherSideFailed):
    """A campaign is announced as cancelled, and who is cannot be read."""

    title = "A cancellation cannot be read"


class ListNotUsable(OtherSideFailed):
    """What the planner serves cannot be sent."""

    title = "The planner's list cannot be used"


class CampaignStopped(ListNotUsable):
    """The planner serves nobody because it stopped the campaign."""

    title = "The planner stopped the campaign"
