"""What can go wrong when a planner is asked."""

from tandem.kit.problems import OtherSideFailed


class PlannerProblem(OtherSideFailed):
    """The planner did not do its part."""

    title = "The planner failed"


class PlannerUnreachable(PlannerProblem):
    """Nobody answered, or not in time. sent: whether the request may have reached the planner."""

    title = "The planner did not answer"

    def __init__(self, detail: str, advice: str = "", *, sent: bool = False) -> None:
        super().__init__(detail, advice)
        self.sent = sent


class PlannerRefusedLogin(PlannerProblem):
    """User, password or key are wrong."""

    title = "The planner refused the login"


class PlannerForbidden(PlannerProblem):
    """The credential may not call the function."""

    title = "The planner does not allow this"


class PlannerAnsweredHtml(PlannerProblem):
    """A web page came instead of data: wrong address, or something in between."""

    title = "The address is not a planner's API"


class PlannerFailed(PlannerProblem):
    """Status 500 and its like."""


class PlannerBusy(PlannerProblem):
    """Status 429."""

    title = "The planner asks us to wait"


class PlannerKnowsNot(PlannerProblem):
    """Status 404: unknown there, or not this account's."""

    title = "The planner does not know this"


class NotForThisChannel(PlannerProblem):
    """The campaign is for other channels."""

    title = "The campaign is for another channel"


class PlannerRefused(PlannerProblem):
    """Status 400 and the like: our request was not understood."""

    title = "The planner refused the request"


class PlannerAnswerCut(PlannerProblem):
    """JSON that ends too early, or no JSON."""

    title = "The planner's answer is incomplete"


class PlannerAnswerWrong(PlannerProblem):
    """JSON of another shape than the contract's."""

    title = "The planner's answer has the wrong shape"


class PageRepeated(PlannerProblem):
    """The same page came twice."""

    title = "The planner repeated a page"


class ListIncomplete(PlannerProblem):
    """The list does not have the number of customers that was told."""

    title = "The planner's list is incomplete"


class CustomerTwice(PlannerProblem):
    """A customer is on the list twice."""

    title = "The planner's list names a customer twice"


def wrong(what: str) -> PlannerAnswerWrong:
    """The answer was JSON, but not the contract's."""
    return PlannerAnswerWrong(f"The planner's answer cannot be used: {what}", "Nothing was changed.")


def not_for_channel(campaign_id: int, channel_id: int, channels: tuple[int, ...]) -> NotForThisChannel:
    """The campaign exists, for other channels."""
    named = ", ".join(map(str, channels))
    return NotForThisChannel(
        f"Campaign {campaign_id} is for channel {named}, not for channel {channel_id}.", "Nothing is sent."
    )


def html(address: str) -> PlannerAnsweredHtml:
    """A web page came."""
    return PlannerAnsweredHtml(
        f"{address} answered, but not as Optimove's API does (HTML page).",
        "Check the planner's address; it has no path.",
    )


def by_status(status: int, said: str, *, html: bool) -> PlannerProblem:
    """The problem of an answer that is not 200. said: the planner's own words, left out if it sent a page."""
    words = f": {said}" if said and not html else ""
    if status == 404:
        return PlannerKnowsNot(f"The planner does not know this (404{words}).", "Check what was asked for.")
    if status == 429:
        return PlannerBusy("The planner asks us to wait (429).", "We try again by schedule.")
    if 300 <= status < 400:
        return PlannerAnsweredHtml(
            f"The planner's address redirects elsewhere ({status}).", "Enter the address it leads to."
        )
    if status >= 500:
        return PlannerFailed(f"The planner failed ({status}{words}).", "We try again by schedule.")
    return PlannerRefused(
        f"The planner refused the request ({status}{words}).", "Check the listener's settings."
    )
