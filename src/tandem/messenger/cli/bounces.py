"""`tandem bounces`: what came back, by whom and why; mail that nobody understood."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tandem.kit.commands import command, data, print_json, words

app = typer.Typer(no_args_is_help=True, help="Mail that came back.")

Account = Annotated[str | None, typer.Option(help="Account by name or id; may be left out if there is one.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]


def _account(chosen: str | None) -> int:
    from tandem.messenger.accounts import service

    return service.find_account(chosen).id


@app.command("list")
@command("messenger")
def list_(
    kind: Annotated[str, typer.Option(help="hard, soft, blocked, complaint, ...")] = "",
    category: Annotated[str, typer.Option(help="As bad-mailbox.")] = "",
    domain: Annotated[str, typer.Option(help="The recipients' domain.")] = "",
    sending: Annotated[int | None, typer.Option(help="Of one sending.")] = None,
    before: Annotated[int, typer.Option(help="Those with a lower number.")] = 0,
    limit: int = 50,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """What came back, the newest first."""
    from tandem.kit.problems import Refused
    from tandem.messenger.bounces import service
    from tandem.messenger.bounces.domain import Kind

    if kind and kind not in list(Kind):
        raise Refused(f"There is no kind {kind!r}.", f"Use one of {', '.join(Kind)}.")
    found = service.list_bounces(
        _account(account), kinds=[Kind(kind)] if kind else [], category=category, domain=domain,
        sending_id=sending, before=before, limit=limit,
    )  # fmt: skip
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        data.print(
            f"{one.id:>8}  {one.at:%Y-%m-%d %H:%M} UTC  {one.kind:<10} {one.category:<16} {one.status:<6} "
            f"{one.customer}  sending {one.sending_id}  {one.domain}  {one.diagnosis}",
            markup=False,
        )


@app.command()
@command("messenger")
def domains(
    days: Annotated[int, typer.Option(help="How far back.")] = 30,
    limit: int = 20,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Numbers by kind, by category and by the recipients' domain."""
    from datetime import timedelta

    from tandem.kit import clock
    from tandem.messenger.bounces import service

    since = clock.from_environment().business() - timedelta(days=days)
    found = service.numbers(_account(account), since=since, domains=limit)
    if as_json:
        print_json(asdict(found))
        return
    for name, number in (*found.kinds.items(), *found.categories.items()):
        data.print(f"{number:>8}  {name}")
    for domain, hard, other in found.domains:
        data.print(f"{hard + other:>8}  {domain}  hard {hard}, other {other}")
    data.print(f"{found.quarantined:>8}  in quarantine")


@app.command()
@command("messenger")
def read(file: Path, as_json: Json = False) -> None:
    """How a mail in a file would be read and judged; changes nothing."""
    from tandem.messenger.bounces.classify import judged, without_addresses
    from tandem.messenger.bounces.domain import LARGEST_MAIL
    from tandem.messenger.bounces.reading import read as read_mail

    with file.open("rb") as opened:
        mail = read_mail(opened.read(LARGEST_MAIL), null_sender=True)
    lines = []
    for one in mail.failures:
        verdict = judged(one.status, one.diagnosis, action=one.action or "failed")
        lines.append({"kind": verdict.kind, "category": verdict.category, "action": one.action, "status": one.status,
                      "diagnosis": without_addresses(one.diagnosis)})  # fmt: skip
    feedback = mail.feedback.kind if mail.feedback else ""
    if as_json:
        print_json({"what": mail.what, "why": mail.why, "complaint": feedback, "recipients": lines})
        return
    data.print(f"{mail.what}  {feedback}{mail.why}".rstrip(), markup=False)
    for line in lines:
        data.print("  ".join(str(value) for value in line.values()), markup=False)


@app.command()
@command("messenger")
def quarantine(
    before: Annotated[int, typer.Option(help="Those with a lower number.")] = 0,
    limit: int = 50,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """Mails that were put aside, and why."""
    from tandem.messenger.bounces import service

    found = service.quarantined(_account(account), before=before, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        kept = "" if one.kept else "  (content deleted)"
        data.print(
            f"{one.id:>8}  {one.arrived_at:%Y-%m-%d %H:%M} UTC  {one.size:>8} bytes  {one.why}{kept}",
            markup=False,
        )


@app.command()
@command("messenger")
def show(mail_id: int, account: Account = None) -> None:
    """A mail in quarantine as it came; control characters are shown as escapes."""
    from tandem.messenger.bounces import service

    raw = service.read_quarantined(_account(account), mail_id).raw
    for line in raw.splitlines():
        data.print("".join(one if one.isprintable() else repr(one)[1:-1] for one in line), markup=False)


@app.command()
@command("messenger")
def dismiss(mail_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Take a mail out of quarantine; nothing follows from it."""
    from tandem.kit import clock
    from tandem.messenger.bounces import service

    chosen = _account(account)
    service.read_quarantined(chosen, mail_id)
    if not dry_run:
        service.dismiss(chosen, mail_id, actor="command line", clock=clock.from_environment())
    words.print("Dismissed." if not dry_run else "Would dismiss it.")


@app.command()
@command("messenger")
def believe(mail_id: int, account: Account = None, dry_run: DryRun = False) -> None:
    """Suppress all whom a complaint in quarantine names, because you know its sender."""
    from tandem.kit import clock
    from tandem.messenger.bounces import service

    chosen = _account(account)
    service.read_quarantined(chosen, mail_id)
    if dry_run:
        words.print("Would suppress all whom it names.")
        return
    number = service.believe(chosen, mail_id, actor="command line", clock=clock.from_environment())
    words.print(f"{number} addresses get no more mail of this account.")


@app.command()
@command("messenger")
def lift(list_id: int, customer: str, account: Account = None, dry_run: DryRun = False) -> None:
    """Send mail again to a contact that had bounced."""
    from tandem.kit import clock
    from tandem.messenger.contacts import service as contacts
    from tandem.messenger.contacts.service import bouncing

    chosen, now = _account(account), clock.from_environment()
    contact_id = contacts.contact_id_of(chosen, list_id, customer)
    if dry_run:
        words.print("Would let mail go to this contact again.")
        return
    done = bouncing.lift_bounced(chosen, contact_id, clock=now)
    words.print("Mail goes to this contact again." if done else "Nothing kept mail from this contact.")


@app.command()
@command("messenger")
def replies(
    before: Annotated[int, typer.Option(help="Those with a lower number.")] = 0,
    limit: int = 50,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """What people wrote back, who asks to be left alone, and whether it was passed on."""
    from tandem.messenger.bounces import service

    found = service.list_replies(_account(account), before=before, limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        asks = "asks to be left alone  " if one.asks_to_stop else ""
        data.print(
            f"{one.id:>8}  {one.arrived_at:%Y-%m-%d %H:%M} UTC  {one.customer}  sending {one.sending_id}  "
            f"{asks}{one.forward}  {one.why}".rstrip(),
            markup=False,
        )


@app.command()
@command("messenger")
def reply(
    reply_id: int,
    done: Annotated[bool, typer.Option("--done", help="It is dealt with; its content is deleted.")] = False,
    unsubscribe: Annotated[
        bool, typer.Option("--unsubscribe", help="Its writer asks for it; done with it then.")
    ] = False,
    account: Account = None,
    as_json: Json = False,
) -> None:
    """One reply as it reads, and what is done about it."""
    from tandem.kit import clock
    from tandem.messenger.bounces import service

    chosen = _account(account)
    found = service.read_reply(chosen, reply_id)
    if as_json:
        print_json(asdict(found))
    elif not (done or unsubscribe):
        for line in (f"From: {found.writer}", f"Subject: {found.subject}", "", *found.words.splitlines()):
            data.print(line, markup=False)
    if done or unsubscribe:
        now = clock.from_environment()
        service.finish_reply(chosen, reply_id, unsubscribe=unsubscribe, actor="command line", clock=now)
        words.print("Unsubscribed." if unsubscribe else "Done.")


@app.command("forward-replies")
@command("messenger")
def forward_replies(
    address: Annotated[str, typer.Argument(help="A person's mailbox; empty = they are only shown.")] = "",
    sender: Annotated[str, typer.Option(help="Only replies to messages from this address.")] = "",
    account: Account = None,
) -> None:
    """To whom replies are passed on."""
    from tandem.kit import clock
    from tandem.messenger.bounces import service

    now = clock.from_environment()
    service.set_address(_account(account), address, sender=sender, actor="command line", clock=now)
    words.print(f"Replies go to {address}." if address else "Replies are only shown.", markup=False)
