"""Registration of listeners over HTTP, as clients spell it, and what then is posted."""

from urllib.parse import quote_plus

import pytest

from tandem.kit import clock as clocks
from tandem.planner.listeners import service as listeners

pytestmark = pytest.mark.django_db
REGISTER, UNREGISTER = "/current/general/RegisterEventListener", "/current/general/UnregisterEventListener"
LISTED = "/current/general/GetRegisteredEventListeners"
URL = "https://host.example/hook?EventTypeID=13&brand=x y".replace(" ", "+")


@pytest.fixture(autouse=True)
def at_the_shops_time(shop, monkeypatch):
    monkeypatch.setattr(clocks, "from_environment", lambda: shop.clock)


def said(answer):
    return answer.status_code, answer.content


@pytest.mark.parametrize("event_type", [1, 2, 3, 4, 5, 11, 13])
def test_every_event_can_be_registered(call, event_type):
    answer = call(REGISTER, {"EventTypeID": event_type, "ListenerURL": URL})
    assert (said(answer), answer.headers["Content-Length"]) == ((200, b""), "0")
    assert call(LISTED).json() == [{"EventTypeID": event_type, "ChannelID": None, "ListenerURL": URL}]
    assert call(LISTED.removesuffix("s")).json() == call(LISTED).json()
    assert said(call(UNREGISTER, {"EventTypeID": event_type})) == (200, b"")
    assert call(LISTED).json() == []


@pytest.mark.parametrize("event_type", [1, 4, 11, 13])
def test_per_channel(call, shop, event_type):
    for channel in (505, "504", None):
        body = {"eventTypeId": str(event_type), "channelid": channel, "listenerurl": f"{URL}&c={channel}"}
        assert call(REGISTER, body, key=shop.third.api_key).status_code == 200
    assert [one["ChannelID"] for one in call(LISTED).json()] == [504, 505, None]
    call(UNREGISTER, {"EventTypeID": event_type, "ChannelID": 505})
    assert [one["ChannelID"] for one in call(LISTED).json()] == [504, None]
    call("/current/general/UnRegisterEventListener", {"EventTypeID": event_type})
    assert call(LISTED).json() == []


@pytest.mark.parametrize(
    "body",
    [
        {"EventTypeID": 5, "ChannelID": 505, "ListenerURL": URL},
        {"EventTypeID": 2, "ChannelID": 505, "ListenerURL": URL},
        {"EventTypeID": 14, "ListenerURL": URL},
        {"EventTypeID": 0, "ListenerURL": URL},
        {"EventTypeID": "thirteen", "ListenerURL": URL},
        {"EventTypeID": 13, "ChannelID": -1, "ListenerURL": URL},
        {"EventTypeID": 13},
        {"ListenerURL": URL},
        {"EventTypeID": 13, "ListenerURL": "file:///etc/passwd"},
        {"EventTypeID": 13, "ListenerURL": "https://user:word@host.example/"},
        [],
    ],
)
def test_what_cannot_be_registered_is_400_in_words(call, body):
    answer = call(REGISTER, body)
    assert answer.status_code == 400
    assert isinstance(answer.json(), str)
    assert call(LISTED).json() == []


def test_an_encoded_address_is_decoded_and_replaces_the_one_before(call):
    call(REGISTER, {"EventTypeID": 13, "ListenerURL": "https://old.example/"})
    call(REGISTER, {"EventTypeID": 13, "ListenerURL": quote_plus("https://host.example/hook?a=1&b=%20")})
    assert [one["ListenerURL"] for one in call(LISTED).json()] == ["https://host.example/hook?a=1&b=%20"]


def test_a_listener_that_is_gone_is_not_current(call, shop):
    call(REGISTER, {"EventTypeID": 13, "ListenerURL": URL})
    [one] = listeners.listeners(shop.account.id)
    listeners.rotate_secret(shop.account.id, one.id, actor="ada", clock=shop.clock)
    assert "whsec" not in call(LISTED).content.decode()
    from tandem.planner.listeners.models import Registration

    Registration.objects.filter(pk=one.id).update(is_active=False)
    assert call(LISTED).json() == []
