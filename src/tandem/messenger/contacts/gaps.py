"""Which attributes contacts have no value of: one read of the list, whatever the number of attributes."""

from collections.abc import Sequence

from django.db import connection

from tandem.messenger.contacts.domain import STATIC
from tandem.messenger.contacts.queries import property_names


def lacking(account_id: int, list_id: int, channel: str, names: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Active contacts of the list with an address on the channel; and how many of them have no value, per attribute.

    names: lower case; those that are no attributes are left out.
    """
    columns = {name.lower(): column for name, column in STATIC.items()}
    own = {name.lower(): key for key, name in property_names(account_id).items()}
    asked = [name for name in names if name in columns or name in own]
    counts = "".join(
        f", count(*) FILTER (WHERE coalesce({columns.get(name, 'properties->>%s')}, '') = '')"
        for name in asked
    )
    address = "email" if channel == "email" else "mobile"
    sql = f"""SELECT count(*){counts} FROM messenger_contacts_contact
        WHERE account_id = %s AND list_id = %s AND active AND {address} <> ''"""  # noqa: S608 - own columns
    with connection.cursor() as cursor:
        cursor.execute(sql, [*(own[name] for name in asked if name not in columns), account_id, list_id])
        found = cursor.fetchone()
    return found[0], dict(zip(asked, found[1:], strict=True))
