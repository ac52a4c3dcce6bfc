"""One recipient unsubscribes: their mail program posts to the link in the message; the planner hears of it."""

import time
from urllib.parse import urlsplit

import httpx

from tandem.contract.planner_api import MetricId

#: usually one tick of the messenger, two seconds
MOST_SECONDS = 15
_QUESTION = "current/customers/GetCampaignInteractionCustomers"


def take(
    tracking: str, planner: str, link: str, *, api_key: str, day: str, channel: int, campaign: int
) -> bool:
    """Post to the link's path at the running door; whether the planner came to know of it. Raises HTTPError."""
    door = f"{tracking}{urlsplit(link).path}"
    posted = httpx.post(door, data={"List-Unsubscribe": "One-Click"}, timeout=10, trust_env=False)
    posted.raise_for_status()
    asked: dict[str, str | int] = {"Date": day, "ChannelID": channel, "EventID": int(MetricId.UNSUBSCRIBED)}
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        if campaign in _campaigns(f"{planner}/{_QUESTION}", asked, api_key):
            return True
        time.sleep(0.2)
    return False


def _campaigns(question: str, asked: dict[str, str | int], api_key: str) -> set[int]:
    answer = httpx.get(question, params=asked, headers={"X-API-KEY": api_key}, timeout=10, trust_env=False)
    return {row["CampaignID"] for row in answer.json()} if answer.status_code == 200 else set()
