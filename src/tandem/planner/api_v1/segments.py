"""/segment-layers: how each stage is cut into micro-segments."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from tandem.planner.api_v1.app import actor, caller, clock
from tandem.planner.api_v1.schemas import Name, answers
from tandem.planner.modelling.segments import overview

router = Router(tags=["segments"])


class LayersOut(Schema):
    """Stage -> quantiles or kmeans."""

    layers: dict[str, str]


class LayersIn(Schema):
    """Stages to cut otherwise from the next snapshot on; others stay as they are."""

    layers: dict[Name, Literal["quantiles", "kmeans"]]


@router.get("", response=answers(of=LayersOut), summary="How stages are cut", operation_id="get_layers")
def get_layers(request: HttpRequest) -> dict[str, Any]:
    """Into micro-segments: each figure by itself, or customers who are alike in all of them."""
    return {"layers": dict(overview.layers(caller(request).account_id))}


@router.put("", response=answers(of=LayersOut), summary="Cut stages otherwise", operation_id="set_layers")
def set_layers(request: HttpRequest, asked: LayersIn) -> dict[str, Any]:
    """The next snapshot cuts by them; ids stay with those who keep most of their members."""
    account_id = caller(request).account_id
    overview.set_layers(account_id, dict(asked.layers), actor=actor(request), clock=clock())
    return {"layers": dict(overview.layers(account_id))}
