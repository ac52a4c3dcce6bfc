"""F8 for whoever comes along: banner, greeting, encryption, sign-in, cut connections. Everybody arrives in the end."""

import time
from collections.abc import Iterator

from faults.invariants import check_invariants
from faults.observed import Run
from faults.relay_rows import REJECTED, Found, Ledger, others
from faults.world import World
from tandem.simulators.relay_script import Rule, Script

SECONDS = 70.0
#: how long a relay without STARTTLS is watched
WITHOUT = 6.0
USER, WORD = "faults", "not-a-secret"
IN_THE_CLEAR = (
    ("421 instead of a banner", (Rule(at="banner", reply="421 4.3.2 busy", close=True, times=2),)),
    ("5xx instead of a banner", (Rule(at="banner", reply="554 5.3.2 no service", close=True, times=2),)),
    ("8-bit trash instead of a banner", (Rule(at="banner", do="garbage", times=2),)),
    ("an endless banner", (Rule(at="banner", do="endless", times=1),)),
    ("4xx at EHLO", (Rule(at="ehlo", reply="451 4.3.0 later", times=2),)),
    ("5xx at EHLO, HELO works", (Rule(at="ehlo", reply="502 5.5.1 what"),)),
    (
        "5xx at EHLO and HELO",
        (Rule(at="ehlo", reply="502 5.5.1 what", times=2), Rule(at="helo", reply="502 5.5.1 what", times=2)),
    ),
    ("421 in the middle", (Rule(at="mail", reply="421 4.3.2 busy", close=True, nth=7, times=1),)),
    ("cut at MAIL", (Rule(at="mail", do="drop", nth=5, times=1),)),
    ("8-bit trash at MAIL", (Rule(at="mail", do="garbage", nth=5, times=1),)),
    ("cut at DATA", (Rule(at="data", do="drop", nth=5, times=1),)),
    ("five messages a connection", (Rule(at="dot", close=True, every=5, per_connection=True),)),
)
ENCRYPTED = (
    ("TLS garbage", (Rule(at="starttls", do="garbage", times=2),)),
    ("4xx at STARTTLS", (Rule(at="starttls", reply="454 4.7.0 not now", times=2),)),
    ("5xx at STARTTLS", (Rule(at="starttls", reply="502 5.5.1 what", times=2),)),
)
SIGNED_IN = (
    ("4xx at AUTH", (Rule(at="auth", reply="454 4.7.0 not now", times=2),)),
    ("5xx at AUTH", (Rule(at="auth", reply="535 5.7.8 not these", times=2),)),
    ("5xx at QUIT", (Rule(at="quit", reply="502 5.5.1 what"),)),
)
ARRIVED = "it happened; everybody's message arrived once, nobody was given up"


def each(world: World, recipients: int) -> Iterator[Found]:
    """Every case, in the three ways of connecting."""
    yield from _in_a_way(world, IN_THE_CLEAR, Script(), recipients)
    yield from _pipelining(world, recipients)
    script = Script(starttls=True, starttls_required=True)
    world.relay.tell(script)
    certificate = {"TANDEM_SMTP_STARTTLS": "1", "TANDEM_SMTP_CA_FILE": str(world.relay.certificate)}
    yield from _in_a_way(world, ENCRYPTED, script, recipients, **certificate)
    yield _stripped(world, script, recipients)
    secret = world.home / "relay-password"
    secret.write_text(WORD)
    known = {
        "TANDEM_SMTP_USER": USER,
        "TANDEM_SMTP_PASSWORD_FILE": str(secret),
        "TANDEM_SMTP_MESSAGES": "5",
    }
    yield from _in_a_way(world, SIGNED_IN, Script(user=USER, password=WORD), recipients, **known)
    world.relay.tell(Script())


def _in_a_way(
    world: World,
    cases: tuple[tuple[str, tuple[Rule, ...]], ...],
    script: Script,
    recipients: int,
    **more: str,
) -> Iterator[Found]:
    world.stop()
    world.relay.tell(script)
    world.start(**more)
    for name, rules in cases:
        world.relay.rules(*rules)
        world.relay.hang_up()  # a connection keeps the script it began with
        run = world.begin(recipients)
        run.kills = [rule.at for rule in rules]
        world.wait(run, SECONDS)
        never = [f"F8: {rule.at}: it never happened" for rule in rules if not world.relay.used(rule)]
        yield _found(world, run, name, ARRIVED, never)


def _pipelining(world: World, recipients: int) -> Iterator[Found]:
    """A relay that ends a connection whose client sends ahead unasked."""
    for offered in (True, False):
        world.relay.tell(Script(pipelining=offered))
        world.relay.hang_up()
        before = world.relay.connections
        run = world.begin(recipients)
        world.wait(run, SECONDS)
        made, most = world.relay.connections - before, world.in_flight * len(world.senders())
        broken = [f"F8: {made} connections of {most}: some were ended"] if made > most else []
        checked = f"{ARRIVED.partition('; ')[2]}, over no more connections than there are"
        yield _found(world, run, f"pipelining {'on' if offered else 'off'}", checked, broken)


def _stripped(world: World, script: Script, recipients: int) -> Found:
    """STARTTLS is not offered to a sender that must have it: as if somebody between them took the word away."""
    world.relay.tell(Script())
    world.relay.hang_up()
    run = world.begin(recipients, lead_seconds=1.0)
    time.sleep(1.0 + WITHOUT)
    clear = world.arrived(run)
    broken = [f"F8: {clear} messages in the clear"] if clear else []
    world.relay.tell(script)
    world.relay.hang_up()
    run.kills = ["starttls"]
    world.wait(run, SECONDS)
    checked = f"nothing left for {WITHOUT:g} s, though the relay takes mail in the clear; all when it was offered again"
    return _found(world, run, "STARTTLS stripped", checked, broken)


def _found(world: World, run: Run, name: str, checked: str, broken: list[str]) -> Found:
    ledger = Ledger(world, run)
    refused = [one for one, state in ledger.states.items() if state == REJECTED]
    given_up = [f"F8: {len(refused)} were given up"] if refused else []
    report = check_invariants(world, run).with_more([*broken, *given_up, *others(ledger, run, set())])
    return Found(name=name, checked=checked, run=run, report=report)
