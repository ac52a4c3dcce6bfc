"""DTOs of the REST API, in the vendor's spelling: times are integer milliseconds, texts are texts."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tandem.kit.problems import Refused
from tandem.messenger.contacts.domain import STATIC, BatchView, Changes, ContactView, ListView, PropertyView
from tandem.messenger.projects.domain import (
    Channel,
    ProjectView,
    TriggerView,
    VersionState,
    VersionView,
)

Json = dict[str, Any]
AUTHOR = "tandem"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: import headers that mean a built-in attribute beside its name
_ALSO = {"emailAddress": ("email",), "mobileNumber": ("mobile",)}
_PERMISSIONS = {"read": True, "write": True, "execute": True}


class BadRequest(Refused):
    """The request cannot be read."""

    title = "Bad request"
    status = 400


def ms(moment: datetime | None) -> int:
    """Epoch milliseconds; 0 for none."""
    return 0 if moment is None else (moment - _EPOCH) // _MILLISECOND


def project(view: ProjectView) -> Json:
    """A project (our reading; no public client shows one)."""
    return {
        "id": view.id,
        "name": view.name,
        "description": view.description,
        "projectTypeId": 1,
        **_stamps(view),
        "archived": view.archived_at is not None,
    }


def trigger(view: TriggerView, *, basic: bool = False) -> Json:
    """TriggerDto; basic leaves the versions out."""
    dto = {
        "id": view.id,
        "type": 1,
        "projectId": view.project_id,
        "name": view.name,
        "description": view.description,
        "listId": view.list_id,
        **_stamps(view),
        "channelTypeId": view.channel_type_id,
        "activeCampaign": view.active_version_id or 0,
        "ignoreOptOut": view.ignore_opt_out,
        "active": view.active_version_id is not None,
    }
    if not basic:
        dto["campaignVersions"] = [version(one, view.channel) for one in view.versions]
    return dto


def version(view: VersionView, channel: Channel) -> Json:
    """CampaignVersionDto."""
    return {
        "campaignId": view.id,
        "campaignName": view.name,
        "campaignTypeId": 1 if channel is Channel.EMAIL else 2,
        "active": view.state is VersionState.ACTIVE,
        "locked": view.state is not VersionState.DRAFT,
        **_stamps(view),
        "statDtos": None,
        "lastActivated": ms(view.activated_at),
    }


def contact_list(view: ListView) -> Json:
    """ListDto."""
    nothing = {"bounced": 0, "unsubscribed": 0, "contacts": 0}
    return {
        "id": view.id,
        "listTypeId": view.type_id,
        "name": view.name,
        "description": view.description,
        "lastImportTime": ms(view.last_import_at),
        "lastUpdateTime": ms(view.modified_at),
        "generateUpToDateOnly": False,
        "complaints": 0,
        "unsubscribes": view.unsubscribed,
        "hardBounces": view.bounced,
        "contacts": view.contacts,
        "inactive": view.inactive,
        "emailAddresses": view.email_addresses,
        "mobileNumbers": view.mobile_numbers,
        "pushIds": 0,
        "permissions": dict(_PERMISSIONS),
        "breakdown": {
            **{name: dict(nothing) for name in ("android", "ios", "qq", "postal", "windowsPush")},
            "email": {
                "bounced": view.bounced,
                "unsubscribed": view.unsubscribed,
                "contacts": view.email_addresses,
            },
            "mobile": {
                "bounced": view.mobile_bounced,
                "unsubscribed": view.mobile_unsubscribed,
                "contacts": view.mobile_numbers,
            },
        },
    }


def contact(view: ContactView, *, with_properties: bool = True) -> Json:
    """ContactDto, both spellings of zip code and hash."""
    hashed = int.from_bytes(hashlib.sha256(view.original_id.encode()).digest()[:6], "big")
    dto = {
        "id": view.id,
        "listId": view.list_id,
        **{name: getattr(view, column) for name, column in STATIC.items()},
        "zipcode": view.zip_code,
        "originalIdHashed": hashed,
        "originalIDHashed": hashed,
        "unsubscribed": view.unsubscribed,
        "bounced": view.bounced,
        "mobileUnsubscribed": view.mobile_unsubscribed,
        "audioUnsubscribed": view.audio_unsubscribed,
        "mobileBounced": view.mobile_bounced,
        "preferredContentVersionId": view.content_version,
        "optOutDate": ms(view.opt_out_at),
        "dateOfInvalidation": ms(view.invalidated_at),
        "optOutMobileDate": ms(view.opt_out_mobile_at),
        "optOutAudioDate": ms(view.opt_out_audio_at),
        "active": view.active,
        "dateCreated": ms(view.created_at),
        "dateModified": ms(view.modified_at),
        "blockedUntil": ms(view.blocked_until),
        "mobileNumberValid": view.mobile_valid,
        "deviceInfo": [],
        "properties": {},
        "namedProperties": {},
    }
    if with_properties:
        dto["properties"], dto["namedProperties"] = dict(view.properties), dict(view.named)
    return dto


def recipient_property(view: PropertyView) -> Json:
    """PropertyDto."""
    return {
        "id": view.id,
        "propertyTypeId": 1,
        "name": view.name,
        "description": view.description,
        "dataType": view.data_type,
        "includeInBaExport": False,
        "dateCreated": ms(view.created_at),
        "dateModified": ms(view.modified_at),
        "userCreated": AUTHOR,
        "userModified": AUTHOR,
        "staticProperty": view.is_static,
        "fileHeaders": [view.name, *_ALSO.get(view.name, ())],
    }


def batch(view: BatchView, account_id: int) -> Json:
    """BatchDto; `feedback` is our own addition."""
    return {
        "id": view.id,
        "type": "LIST_IMPORT",
        "customerId": account_id,
        "startTime": ms(view.started_at),
        "endTime": ms(view.finished_at),
        "affected": view.affected,
        "processed": view.processed,
        "total": view.total,
        "status": view.status,
        "feedback": list(view.problems),
    }


def read_changes(body: object, ids: Mapping[str, str]) -> Changes:
    """What a ContactDto in a request changes; absent keys change nothing. ids: attribute id -> name."""
    if not isinstance(body, dict):
        raise BadRequest("The body must be one contact, a JSON object.")
    given = {str(name).lower(): value for name, value in body.items() if value is not None}
    names = {**{name.lower(): column for name, column in STATIC.items()}, "zipcode": "zip_code"}
    columns = {column: _text(given[name], name) for name, column in names.items() if name in given}
    columns.pop("original_id", None)
    by_id = {ids[str(key)]: value for key, value in _map(given, "properties").items() if str(key) in ids}
    properties = {**by_id, **_map(given, "namedproperties")}
    modified = given.get("datemodified")
    return Changes(
        columns=columns,
        properties={name: None if v is None else _text(v, name) for name, v in properties.items()},
        flags=_flags(given),
        modified_at=_moment(modified),
    )


def _flags(given: Mapping[str, Any]) -> dict[str, bool]:
    known = (
        ("unsubscribed", "unsubscribed"),
        ("mobileunsubscribed", "mobile_unsubscribed"),
        ("active", "active"),
    )
    flags = {}
    for name, flag in known:
        if name in given:
            if not isinstance(given[name], bool):
                raise BadRequest(f"{name} must be true or false.")
            flags[flag] = given[name]
    return flags


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 32503680000000:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


def _text(value: object, name: str) -> str:
    if isinstance(value, bool | dict | list):
        raise BadRequest(f"{name} must be a text.")
    return str(value)


def _map(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name, {})
    if not isinstance(found, dict):
        raise BadRequest(f"{name} must be an object.")
    return found


def _stamps(view: ProjectView | TriggerView | VersionView) -> Json:
    return {
        "dateCreated": ms(view.created_at),
        "dateModified": ms(view.modified_at),
        "userCreated": AUTHOR,
        "userModified": AUTHOR,
    }
