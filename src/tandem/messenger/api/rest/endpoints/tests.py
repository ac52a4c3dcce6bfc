"""Test messages: our own addition, apart from every sending."""

from typing import Any

from tandem.messenger.api.rest import wire_tests as wire
from tandem.messenger.api.rest.call import Call
from tandem.messenger.api.rest.endpoint import Kind, Param, Sure, get, post
from tandem.messenger.projects import service as projects
from tandem.messenger.testsends import service as testsends
from tandem.messenger.testsends.errors import UnknownTest

KEY_HEADER = "Idempotency-Key"


def send_test(call: Call) -> Any:
    """Send a version to verified addresses, as one contact would get it."""
    trigger_id, version_id = call.number("triggerId"), call.number("campaignId")
    projects.check_version(call.account_id, trigger_id, version_id)
    wish = wire.read_wish(call.json(), trigger_id, version_id, call.request.headers.get(KEY_HEADER, ""))
    done = testsends.send_test(call.account_id, wish, actor=call.user_name, clock=call.clock)
    return wire.test_send(done)


def show_test(call: Call) -> Any:
    """A test as it stands now."""
    trigger_id, version_id = call.number("triggerId"), call.number("campaignId")
    projects.check_version(call.account_id, trigger_id, version_id)
    found = testsends.show(call.account_id, call.text("id"), clock=call.clock)
    if (found.trigger_id, found.version_id) != (trigger_id, version_id):
        raise UnknownTest("There is no such test of this version.", "Send it again.")
    return wire.test_send(found)


def test_addresses(call: Call) -> Any:
    """The addresses that tests may go to."""
    return [wire.address(one) for one in testsends.list_addresses(call.account_id)]


_TEST = (
    '{"id":"5e1c","triggerId":3422,"campaignId":336858,"date":1441374310577,"waiting":false,"repeated":false,'
    '"messages":[{"to":"anna@shop.example","state":"accepted","answer":"250 taken","note":""}]}'
)

ENDPOINTS = (
    get("testaddresses", test_addresses, sure=Sure.OURS,
        meaning="The addresses and numbers that test messages may go to, once they are verified.",
        example='[{"id":1,"channel":"email","address":"anna@shop.example","verified":true}]'),
    post(
        "triggers/{triggerId}/campaigns/{campaignId}/test", send_test,
        Param(name="to", kind=Kind.ANY, required=True, meaning="1 to 20 verified addresses, or numbers for an SMS."),
        Param(name="originalId", kind=Kind.TEXT, default="nobody: all attributes are empty",
              meaning="As which contact of the trigger's list it is written."),
        Param(name="key", kind=Kind.TEXT, default="none", meaning="The same key is the same test, sent once."),
        sure=Sure.OURS, example=_TEST,
        meaning="Send a version, active or draft, as a test: the subject begins with `[Test]`, its links unsubscribe "
        "nobody, and it stands in no statistics. Answered within 5 s; `waiting` = no answer of the provider yet.",
        differs="The header Idempotency-Key is a key as well.",
    ),
    get(
        "triggers/{triggerId}/campaigns/{campaignId}/test", show_test,
        Param(name="id", kind=Kind.TEXT, required=True, meaning="As the test was answered."),
        sure=Sure.OURS, meaning="A test as it stands now.", example=_TEST,
    ),
)  # fmt: skip
