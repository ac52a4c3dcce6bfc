"""Asking a messenger for test messages: calls of our own, which others answer with 404 or 501."""

from collections.abc import Sequence

from tandem.clients import messenger_problems as problems
from tandem.clients.messenger_calls import MessengerCalls, shaped
from tandem.contract import messenger_tests as wire

_TEST = "triggers/{triggerId}/campaigns/{campaignId}/test"


class NoTests(problems.OtherSideFailed):
    """The server sends no tests."""

    title = "This messenger sends no tests for us"


class MessengerTests(MessengerCalls):
    """Test messages. What a messenger without them answers is NoTests."""

    def test_addresses(self) -> tuple[wire.AllowedAddress, ...]:
        """The addresses that tests may go to. Raises NoTests."""
        try:
            return shaped(wire.parse_addresses, self._get("testaddresses"))
        except (problems.MessengerHasNot, problems.MessengerRefused) as error:
            raise NoTests(
                "This messenger sends no test messages for other programs.",
                "Send the test from the messenger's own pages.",
            ) from error

    def versions(self, trigger_id: int) -> tuple[wire.TemplateVersion, ...]:
        """The versions of a template that a test may be made of: the active one, then drafts, the newest first."""
        rows = self._rows("triggers/{triggerId}/campaigns", "campaigns", triggerId=trigger_id)
        return shaped(wire.parse_versions, rows)

    def send_test(
        self, trigger_id: int, campaign_id: int, original_id: str, to: Sequence[str], key: str
    ) -> wire.SentTest:
        """Send a test to verified addresses; under the same key once."""
        body = {"originalId": original_id, "to": list(to), "key": key}
        made = self._post(_TEST, body, triggerId=trigger_id, campaignId=campaign_id)
        return shaped(wire.parse_test, made)

    def sent_test(self, trigger_id: int, campaign_id: int, test_id: str) -> wire.SentTest:
        """A test as it stands now. Raises MessengerHasNot."""
        found = self._get(_TEST, {"id": test_id}, triggerId=trigger_id, campaignId=campaign_id)
        return shaped(wire.parse_test, found)
