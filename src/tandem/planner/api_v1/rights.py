"""/attributes and /profiling-objections: what attributes may be used for, and who objects to profiling."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status

from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import Name, Text, answers
from tandem.planner.customers import service

attributes = Router(tags=["customers"])
objections = Router(tags=["customers"])
Purpose = Literal["identity", "models", "targeting", "sensitive"]


class EntryOut(Schema):
    """An attribute of the account's own, or `main_category` and `country` of the orders; `suggested` is the purpose its
    name suggests (of `main_category`: a name among its values), `why` the reason."""

    name: str
    label: str
    kind: str
    purpose: Purpose
    suggested: Purpose
    why: str


class PurposeIn(Schema):
    """What an attribute may be used for."""

    purpose: Purpose


class ObjectionOut(Schema):
    """That a customer objected: when, who wrote it down, how it was said; and when it was lifted."""

    customer_id: str
    at: datetime
    by: str
    how: str
    lifted_at: datetime | None
    lifted_by: str
    lifted_how: str


class ObjectionIn(Schema):
    """How the person said it."""

    customer_id: Name
    how: Name


@attributes.get(
    "", response=answers(of=list[EntryOut]), summary="List own attributes", operation_id="list_attributes"
)
def list_attributes(request: HttpRequest) -> Any:
    """In the order in which they came, then those of the orders, with what each may be used for."""
    account_id = caller(request).account_id
    return [*service.dictionary(account_id), *service.order_dictionary(account_id)]


@attributes.put(
    "/{name}/purpose",
    response=answers(of=EntryOut),
    summary="Say what an attribute is for",
    operation_id="set_purpose",
)
def set_purpose(
    request: HttpRequest, name: Annotated[Text, Path(description="The attribute's name.")], given: PurposeIn
) -> Any:
    """From the next snapshot on."""
    return service.set_purpose(
        caller(request).account_id, name, given.purpose, actor=actor(request), clock=clock()
    )


@objections.get(
    "",
    response=answers(of=list[ObjectionOut]),
    summary="What a customer said of profiling",
    operation_id="list_objections",
)
def list_objections(
    request: HttpRequest, customer_id: Annotated[Text, Query(description="The shop's own id.")]
) -> Any:
    """Newest first; one without `lifted_at` stands."""
    return service.objections_of(caller(request).account_id, customer_id)


@objections.post(
    "",
    response=answers(status=201, of=ObjectionOut),
    summary="Write an objection down",
    operation_id="object_to_profiling",
)
def object_to_profiling(request: HttpRequest, said: ObjectionIn) -> Status:
    """It counts from the next daily cycle on; said again, it stays as it was written."""
    made = service.object_to_profiling(
        caller(request).account_id, said.customer_id, how=said.how, actor=actor(request), clock=clock()
    )
    return Status(201, made)


@objections.post(
    "/lift", response=answers(of=ObjectionOut), summary="Lift an objection", operation_id="lift_objection"
)
def lift_objection(request: HttpRequest, said: ObjectionIn) -> Any:
    """Only on the person's own wish."""
    return service.lift_objection(
        caller(request).account_id, said.customer_id, how=said.how, actor=actor(request), clock=clock()
    )
