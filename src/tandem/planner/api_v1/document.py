"""All resources, their OpenAPI document with refusals as problems, and the same in sections for the page."""

from functools import lru_cache
from typing import Any

import orjson

from tandem.planner.api_v1 import (
    campaigns,
    customers,
    cycle,
    deliveries,
    discoveries,
    groups,
    realtime,
    rights,
    segments,
)
from tandem.planner.api_v1.app import PROBLEM_TYPE, api

for prefix, router in {
    "/health": deliveries.health,
    "/customers": customers.router,
    "/attributes": rights.attributes,
    "/profiling-objections": rights.objections,
    "/cycle": cycle.router,
    "/target-groups": groups.router,
    "/segment-layers": segments.router,
    "/discoveries": discoveries.router,
    "/campaigns": campaigns.router,
    "/occurrences": campaigns.occurrences,
    "/events": realtime.events,
    "/real-time-campaigns": realtime.router,
    "/deliveries": deliveries.router,
}.items():
    api.add_router(prefix, router)

METHODS = ("get", "post", "put", "delete")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document; it does not change while the process runs."""
    made: dict[str, Any] = orjson.loads(
        orjson.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), option=orjson.OPT_NON_STR_KEYS)
    )
    for operations in made["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                _mend(status, answer)
    made["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    return made


def _mend(status: str, answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    if int(status) >= 400:
        answer["content"] = {PROBLEM_TYPE: content["application/json"]}


def pages() -> list[dict[str, Any]]:
    """Operations by tag: method, path, summary, words, parameters, body and answer by name."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document()["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                sections.setdefault(operation["tags"][0], []).append(_shown(method, path, operation))
    return [{"name": name, "operations": found} for name, found in sections.items()]


def _shown(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = next(
        (answer for status, answer in operation["responses"].items() if int(status) < 400), {}
    )
    return {
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "words": operation.get("description", ""),
        "parameters": [
            {
                "name": one["name"],
                "place": one["in"],
                "required": one.get("required", False),
                "words": one.get("description") or one.get("schema", {}).get("description", ""),
            }
            for one in operation.get("parameters", [])
        ],
        "body": _fields(operation.get("requestBody", {})),
        "answer": _fields(good),
    }


def _fields(part: dict[str, Any]) -> list[dict[str, Any]]:
    schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    named = document()["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    required = set(named.get("required", ()))
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in required,
            "words": field.get("description", ""),
        }
        for name, field in named.get("properties", {}).items()
    ]


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    if field.get("type") == "array":
        return f"array of {_type(field.get('items', {}))}"
    return str(field.get("format") or field.get("type") or "any")
