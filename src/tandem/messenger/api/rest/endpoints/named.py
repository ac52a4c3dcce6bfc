"""Calls that are known, and are of things that this messenger does not have."""

from tandem.messenger.api.rest.endpoint import known_by_name

JOURNEYS = "It starts journeys, and there are none here; a generation job sends to many at once."
JOURNEY = "There are no journeys here; a trigger's messages reach one contact."
EVENTS = "The address is not published; POST /eventhub/events takes the same events here."

ENDPOINTS = (
    known_by_name("POST", "batchtrigger/v2", JOURNEYS),
    known_by_name("POST", "journeys/{journeyId}/commence", JOURNEY),
    known_by_name("POST", "eventhub", EVENTS),
    known_by_name("POST", "events", EVENTS),
)
