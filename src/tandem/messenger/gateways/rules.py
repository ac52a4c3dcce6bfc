"""An account's rules of SMS: quiet hours, and the texts of automatic answers."""

from collections.abc import Sequence
from datetime import datetime, time

from tandem.kit.clock import Clock
from tandem.kit.zones import place_name, to_local
from tandem.messenger.accounts import service as accounts
from tandem.messenger.contacts import service as contacts
from tandem.messenger.contacts.models import Contact
from tandem.messenger.gateways import quiet
from tandem.messenger.gateways.domain import RulesView
from tandem.messenger.gateways.errors import GatewayWrong
from tandem.messenger.gateways.models import SmsRules
from tandem.messenger.gateways.quiet import Hours, Wait

LONGEST = 480
_TEXTS = ("stop_text", "start_text", "help_text")


def rules(account_id: int) -> RulesView:
    """The rules in force."""
    row = _row(account_id)
    return RulesView(
        quiet=row.quiet,
        opens=_time(row.opens).strftime("%H:%M"),
        closes=_time(row.closes).strftime("%H:%M"),
        zone_attribute=row.zone_attribute,
        answers=row.answers,
        stop_text=row.stop_text,
        start_text=row.start_text,
        help_text=row.help_text,
    )


def set_rules(account_id: int, *, actor: str, clock: Clock, **said: object) -> RulesView:
    """Change what is named (`RulesView`'s fields), keep the rest. Raises GatewayWrong."""
    row = _row(account_id)
    for name in ("opens", "closes"):
        if name in said:
            setattr(row, name, _read_time(str(said[name]), name))
    if _time(row.opens) >= _time(row.closes):
        raise GatewayWrong("The hours end before they begin.", "Write 08:00 and 21:00.", field="opens")
    for name in ("quiet", "answers"):
        if name in said:
            setattr(row, name, bool(said[name]))
    if "zone_attribute" in said:
        row.zone_attribute = _attribute(account_id, str(said["zone_attribute"]).strip())
    for name in _TEXTS:
        if name in said:
            setattr(row, name, _text(str(said[name]), name))
    row.save()
    accounts.record(account_id, actor=actor, action="SMS rules set", subject="", clock=clock)
    return rules(account_id)


def waits(account_id: int, contact_ids: Sequence[int], now: datetime) -> dict[int, Wait]:
    """Contact -> how long its SMS has to wait at this instant; none for those it may reach now."""
    row = _row(account_id)
    if not row.quiet or not contact_ids:
        return {}
    hours = Hours(opens=_time(row.opens), closes=_time(row.closes))
    home = accounts.get_account(account_id).zone
    key = _key_of(account_id, row.zone_attribute)
    found: dict[int, Wait] = {}
    people = Contact.objects.filter(account_id=account_id, pk__in=contact_ids).values_list(
        "pk", "mobile", "properties"
    )
    for contact, number, properties in people:
        zones = quiet.zones_of(number, own=str(properties.get(key) or ""), otherwise=home)
        wait = quiet.wait_for(now, zones, hours)
        if wait is not None:
            found[contact] = wait
    return found


def words_of(wait: Wait) -> str:
    """What a waiting row says: until when, on its own wall."""
    return f"waits until {to_local(wait.until, wait.zone):%H:%M} in {place_name(wait.zone)}"


def _row(account_id: int) -> SmsRules:
    return SmsRules.objects.filter(account_id=account_id).first() or SmsRules(account_id=account_id)


def _key_of(account_id: int, attribute: str) -> str:
    if not attribute:
        return ""
    names = contacts.property_names(account_id)
    return next((key for key, name in names.items() if name.lower() == attribute.lower()), "")


def _attribute(account_id: int, name: str) -> str:
    if name and not _key_of(account_id, name):
        raise GatewayWrong(
            f"There is no attribute {name[:60]!r}.",
            "Name one of the account's attributes, or nothing.",
            field="zone_attribute",
        )
    return name


def _time(said: object) -> time:
    return said if isinstance(said, time) else time.fromisoformat(str(said))


def _read_time(said: str, field: str) -> time:
    try:
        return time.fromisoformat(said.strip()).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise GatewayWrong(f"{said[:20]!r} is no time.", "Write it as 08:00.", field=field) from None


def _text(said: str, field: str) -> str:
    said = said.replace("\r\n", "\n").strip()
    if len(said) > LONGEST or not all(one.isprintable() or one == "\n" for one in said):
        raise GatewayWrong(
            f"An answer has at most {LONGEST} characters, and no control characters.",
            "Shorten it.",
            field=field,
        )
    return said
