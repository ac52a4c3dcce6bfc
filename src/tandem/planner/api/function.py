"""How a function of the vendor's API is declared: once, for routing, reading, rights and the reference page."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tandem.contract.planner_api import PAGE

if TYPE_CHECKING:
    from tandem.planner.api.call import Call


class Kind(StrEnum):
    """What a parameter holds."""

    NUMBER = "whole number"
    TEXT = "text"
    DATE = "date, YYYY-MM-DD"
    FLAG = "True or False"
    LIST = "array"
    IDS = "array of text"
    ANY = "JSON"
    NUMBER_OR_GUID = "whole number, or the GUID of a real-time campaign"


class Sure(StrEnum):
    """How well a function's shape is known."""

    LIVE = "seen in production clients"
    DOCUMENTED = "documented by the vendor"
    INFERRED = "inferred"
    OURS = "our choice"


@dataclass(frozen=True, kw_only=True)
class Param:
    """A parameter of the query, or a field of the body.

    spellings: other names it goes by; of: what a list holds; most: how many ids of an array of text.
    """

    name: str
    kind: Kind = Kind.NUMBER
    required: bool = False
    spellings: tuple[str, ...] = ()
    meaning: str = ""
    of: "Body | None" = None
    most: int = 100


@dataclass(frozen=True, kw_only=True)
class Body:
    """A JSON object, or an array of at most `most` objects, with these fields; unknown fields are let through.

    size: the most bytes, where many ids make more than the usual.
    """

    fields: tuple[Param, ...] = ()
    is_array: bool = False
    most: int = 100
    size: int = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function. answer None = its name is known, its shape is not: 404.

    path: where its address holds a parameter, as "{CustomerID}/Attributes" after the group; else its name is there.
    page: the most rows of one answer, 0 where the answer is no array. pages_itself: the handler cuts the page, else
    the dispatcher does. attributes: whether rows carry the customer attributes asked for. third_party: whether a
    third party's credential may call it; open: no credential needed; of_the_key: about the credential itself, so
    allowed to one that is held to other functions. example: an answer, as JSON; differs: what
    versions do differently.
    """

    group: str
    name: str
    answer: "Callable[[Call], Any] | None" = None
    path: str = ""
    method: str = "GET"
    also: str = ""
    spellings: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    body: Body | None = None
    page: int = 0
    pages_itself: bool = False
    attributes: bool = False
    third_party: bool = False
    open: bool = False
    of_the_key: bool = False
    sure: Sure = Sure.DOCUMENTED
    example: str = ""
    differs: str = ""
    meaning: str = ""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it takes."""
        return (self.method, self.also) if self.also else (self.method,)


def rows(group: str, name: str, answer: "Callable[[Call], Any]", *params: Param, **more: Any) -> Function:
    """A function whose answer is an array, paged."""
    return Function(group=group, name=name, answer=answer, params=params, **{"page": PAGE, **more})


def one(group: str, name: str, answer: "Callable[[Call], Any]", *params: Param, **more: Any) -> Function:
    """A function whose answer is one object."""
    return Function(group=group, name=name, answer=answer, params=params, **more)


def write(group: str, name: str, answer: "Callable[[Call], Any]", body: Body, **more: Any) -> Function:
    """A function that takes a body by POST and answers an empty 200."""
    return Function(group=group, name=name, answer=answer, body=body, **{"method": "POST", **more})


def known_by_name(group: str, names: str, **more: Any) -> tuple[Function, ...]:
    """Functions whose names alone are known."""
    return tuple(Function(group=group, name=name, sure=Sure.INFERRED, **more) for name in names.split())


CAMPAIGN = Param(name="CampaignID", required=True, meaning="One execution of a campaign.")
CHANNEL = Param(name="ChannelID", required=True, meaning="An execution channel.")
DATE = Param(name="Date", kind=Kind.DATE, required=True, meaning="A day, in the account's zone.")
START = Param(name="StartDate", kind=Kind.DATE, required=True, meaning="First day.")
END = Param(name="EndDate", kind=Kind.DATE, required=True, meaning="Last day.")
CUSTOMER = Param(name="CustomerID", kind=Kind.TEXT, required=True, meaning="The shop's own id of a customer.")
TARGET_GROUP = Param(name="TargetGroupID", required=True, meaning="A target group.")
