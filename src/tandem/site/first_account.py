"""Makes the first account and administrator of one half; `python -m tandem.site.first_account HALF < answers.json`."""

import sys

import orjson

from tandem.kit.commands import print_json, use_half


def main() -> None:
    """Read the answers of `tandem init` from stdin, print what was made."""
    half, answers = sys.argv[1], orjson.loads(sys.stdin.buffer.read())
    use_half(half)
    if half == "planner":
        from tandem.planner.accounts import service
        from tandem.planner.accounts.domain import Role

        account = service.create_account(name=answers["name"], zone=answers["zone"], currency=answers["currency"])
        service.create_user(account.id, email=answers["admin"], password=answers["password"], role=Role.ADMINISTRATOR)
    else:
        from tandem.messenger.accounts import service as messenger
        from tandem.messenger.accounts.domain import Role as MessengerRole

        account = messenger.create_account(
            int(answers["customer_id"]), name=answers["name"], zone=answers["zone"], currency=answers["currency"]
        )
        messenger.create_user(
            account.id, email=answers["admin"], password=answers["password"], role=MessengerRole.ADMINISTRATOR
        )
    print_json({"account": account.id})


if __name__ == "__main__":
    main()
