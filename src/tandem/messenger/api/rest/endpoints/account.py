"""The account itself: the connection test, and being alive."""

from typing import Any

from django.conf import settings

from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Sure, get


def apiurl(call: Call) -> Any:
    """The vendor's connection test: exactly five addresses."""
    base = settings.TANDEM_PUBLIC_URL
    return {
        "serverBaseUrl": f"{base}/",
        "webserviceUrl": f"{base}/carmaws",
        "swaggerUrl": f"{base}/mail/swagger",
        "restUrl": f"{base}/rest",
        "controllerUrl": f"{base}/mail",
    }


def ping(call: Call) -> Any:
    """Alive."""
    return {"message": "pong"}


ENDPOINTS = (
    get(
        "apiurl", apiurl, sure=Sure.DOCUMENTED, meaning="The vendor's own connection test: exactly five addresses.",
        example='{"serverBaseUrl":"https://host/","webserviceUrl":"https://host/carmaws","swaggerUrl":'
        '"https://host/mail/swagger","restUrl":"https://host/rest","controllerUrl":"https://host/mail"}',
    ),
    get("ping", ping, sure=Sure.NAMED, meaning="Alive.", example='{"message":"pong"}'),
)  # fmt: skip
