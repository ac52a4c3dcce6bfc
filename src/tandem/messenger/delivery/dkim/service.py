"""Keys of an account: made, published by whoever runs its domain, used, retired. Their secrets stay in the vault."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import IntegrityError, transaction

from tandem.kit.clock import Clock
from tandem.messenger.delivery.dkim import keys
from tandem.messenger.delivery.dkim.keys import Algorithm, KeyState, KeyView
from tandem.messenger.delivery.dkim.signing import Signature, Signer
from tandem.messenger.delivery.errors import KeyExists, KeyNotFound, KeyRefused
from tandem.messenger.delivery.models import DkimKey

YES = {"1", "true", "yes", "on"}

#: the TXT records of a name, empty if there are none. OSError when nobody can be asked
LookUp = Callable[[str], Sequence[str]]


def make_key(account_id: int, *, domain: str, selector: str, algorithm: str = "rsa", clock: Clock) -> KeyView:
    """A new key, which does not sign yet. Raises KeyRefused, KeyExists."""
    domain, selector = domain.strip().rstrip(".").lower(), selector.strip().lower()
    if not keys.is_domain(domain):
        raise KeyRefused(f"{domain!r} is no domain name.", "Write it as shop.example, in ASCII.")
    if not keys.is_selector(selector):
        raise KeyRefused(f"{selector!r} is no selector.", "Use letters, digits and hyphens, such as t2026a.")
    try:
        kind = Algorithm(algorithm)
    except ValueError:
        raise KeyRefused(f"There is no algorithm {algorithm!r}.", "Choose rsa or ed25519.") from None
    secret, record = keys.generate(kind)
    try:
        with transaction.atomic():
            made = DkimKey.objects.create(
                account_id=account_id,
                domain=domain,
                selector=selector,
                algorithm=kind,
                state=KeyState.NEW,
                secret=settings.TANDEM_VAULT.seal(secret, _where(account_id, domain, selector)),
                record=record,
                made_at=clock.system(),
            )
    except IntegrityError:
        raise KeyExists(
            f"{domain} has a key named {selector}.", "Choose another selector: a name is never used again."
        ) from None
    return _view(made)


def list_keys(account_id: int) -> list[KeyView]:
    """Every key, by domain and age."""
    return [_view(one) for one in DkimKey.objects.filter(account_id=account_id).order_by("domain", "id")]


def get_key(account_id: int, key_id: int) -> KeyView:
    """One key. Raises KeyNotFound."""
    key = DkimKey.objects.filter(account_id=account_id, pk=key_id).first()
    if key is None:
        raise KeyNotFound(f"There is no key {key_id} in this account.", "Look at the list of keys.")
    return _view(key)


def rotate_key(account_id: int, *, domain: str, selector: str, clock: Clock) -> KeyView:
    """A new key to follow this one: of its algorithm, under the next name. This one signs until the new one is used."""
    old = _view(_get(account_id, domain, selector))
    mine = DkimKey.objects.filter(account_id=account_id, domain=old.domain)
    named = keys.next_selector(old.selector, set(mine.values_list("selector", flat=True)))
    return make_key(account_id, domain=old.domain, selector=named, algorithm=old.algorithm, clock=clock)


def check_key(account_id: int, *, domain: str, selector: str, look_up: LookUp | None = None) -> str:
    """What DNS says of the key: empty if its record is right, else what is wrong with it. Raises KeyNotFound."""
    key = _view(_get(account_id, domain, selector))
    if keys.is_inside(key.domain):
        return f"{key.domain} is a name of inside networks: no receiver can look it up."
    try:
        published = (look_up or text_records)(key.name)
    except OSError as error:
        return f"DNS cannot be asked about {key.name}: {error}."
    if not published:
        return f"There is no TXT record at {key.name} yet."
    if not any(keys.same_key(one, key.record) for one in published):
        return f"The record at {key.name} holds another key."
    return ""


def use_key(
    account_id: int, *, domain: str, selector: str, check: bool = True, look_up: LookUp | None = None
) -> KeyView:
    """From now on the domain's messages are signed with it; the one of its algorithm until now retires.

    Raises KeyRefused if its record is not published, as no receiver could check the signature.
    """
    wrong = check_key(account_id, domain=domain, selector=selector, look_up=look_up) if check else ""
    if wrong:
        raise KeyRefused(wrong, "Publish the record and wait until it is seen, then try again.")
    with transaction.atomic():
        key = _get(account_id, domain, selector, lock=True)
        DkimKey.objects.filter(
            account_id=account_id, domain=key.domain, algorithm=key.algorithm, state=KeyState.ACTIVE
        ).exclude(pk=key.pk).update(state=KeyState.RETIRED)
        key.state = KeyState.ACTIVE
        key.save(update_fields=["state"])
    return _view(key)


def retire_key(account_id: int, *, domain: str, selector: str) -> KeyView:
    """It signs no more. Its record must stay published for some days. Raises KeyNotFound."""
    with transaction.atomic():
        key = _get(account_id, domain, selector, lock=True)
        key.state = KeyState.RETIRED
        key.save(update_fields=["state"])
    return _view(key)


def signer_for(account_id: int, sender: str) -> Signer:
    """What signs messages from this address: the active keys of its domain, or of the nearest domain above it."""
    labels = sender.rpartition("@")[2].lower().split(".")
    above = [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
    active = DkimKey.objects.filter(account_id=account_id, domain__in=above, state=KeyState.ACTIVE)
    found = sorted(active, key=lambda one: (-len(one.domain), one.algorithm != Algorithm.RSA))
    return Signer([_signature(one) for one in found if one.domain == found[0].domain])


def text_records(name: str) -> list[str]:
    """The TXT records of a name, each in one piece. OSError when nobody can be asked.

    The operator's own resolver is asked, and nobody where nothing may leave this installation.
    """
    from dns import exception, resolver

    if settings.TANDEM_SENDING["TANDEM_PROVIDER_LOCK"] in YES:
        raise OSError("nothing leaves this installation (TANDEM_PROVIDER_LOCK)")
    try:
        answer = resolver.resolve(name, "TXT", lifetime=5)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return []
    except exception.DNSException as error:
        raise OSError(type(error).__name__) from error
    return [b"".join(one.strings).decode("ascii", "replace") for one in answer]


def _signature(key: DkimKey) -> Signature:
    secret = settings.TANDEM_VAULT.open(key.secret, _where(key.account_id, key.domain, key.selector))
    return Signature(domain=key.domain, selector=key.selector, key=keys.load(secret))


def _get(account_id: int, domain: str, selector: str, *, lock: bool = False) -> DkimKey:
    rows = DkimKey.objects.select_for_update() if lock else DkimKey.objects
    found = rows.filter(
        account_id=account_id, domain=domain.strip().lower(), selector=selector.strip().lower()
    )
    key = found.first()
    if key is None:
        raise KeyNotFound(f"{domain} has no key named {selector}.", "`tandem dkim list` shows all of them.")
    return key


def _view(key: DkimKey) -> KeyView:
    return KeyView(
        id=key.pk,
        domain=key.domain,
        selector=key.selector,
        algorithm=Algorithm(key.algorithm),
        state=KeyState(key.state),
        name=keys.name_of(key.domain, key.selector),
        record=key.record,
    )


def _where(account_id: int, domain: str, selector: str) -> str:
    return f"{account_id}:dkim:{selector}._domainkey.{domain}"
