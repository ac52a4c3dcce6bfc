"""Makes the first account and administrator of one half; `python -m tandem.site.first_account HALF < answers.json`."""

import sys

import orjson

from tandem.kit import clock
from tandem.kit.commands import print_json, use_half


def main() -> None:
    """Read the answers of `tandem init` from stdin, print what was made."""
    half, answers = sys.argv[1], orjson.loads(sys.stdin.buffer.read())
    use_half(half)
    if half == "planner":
        from tandem.planner.accounts import service

        now = clock.from_environment()
        account = service.create_account(
            name=answers["name"], zone=answers["zone"], currency=answers["currency"], clock=now
        )
        service.create_user(account.id, email=answers["admin"], password=answers["password"], clock=now)
        print_json({"account": account.id})
    else:
        from tandem.messenger.accounts import service as messenger

        tenant = messenger.create_account(
            name=answers["name"],
            zone=answers["zone"],
            currency=answers["currency"],
            customer_id=int(answers["customer_id"]),
        )
        messenger.create_user(tenant.id, email=answers["admin"], password=answers["password"])
        print_json({"account": tenant.id})


if __name__ == "__main__":
    main()
