"""What can go wrong with a campaign, beside the rules of the plan."""

from tandem.kit.problems import NotFound


class NoSuchCampaign(NotFound):
    """No such campaign, or another tenant's."""

    title = "No such campaign"


class NoSuchOccurrence(NotFound):
    """No such campaign on a date, or another tenant's."""

    title = "No such campaign"


class NoSuchAction(NotFound):
    """No such action, or another tenant's."""

    title = "No such action"
