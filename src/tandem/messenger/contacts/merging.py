"""Rows of an import file into a list, set-based. An import never subscribes anyone again."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from django.db import connection

from tandem.kit.clock import Clock
from tandem.messenger.contacts.errors import BadImport
from tandem.messenger.contacts.mapping import Outcome
from tandem.messenger.contacts.rows import PLAIN, TABLE, Header, RowReader

ROWS_AT_ONCE = 500


def copy_rows(rows: Iterator[str]) -> None:
    """Into a temporary table that lives until the transaction ends."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_rows")
        cursor.execute(
            "CREATE TEMP TABLE import_rows (seq int, "
            + ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in TABLE[1:])
            + ") ON COMMIT DROP"
        )
        with cursor.copy(f"COPY import_rows ({', '.join(TABLE)}) FROM STDIN") as copy:
            while block := "".join(islice(rows, ROWS_AT_ONCE)):
                copy.write(block)
        # duplicates are merged: the last line of an id wins; the forgotten are not stored again
        cursor.execute("CREATE INDEX ON import_rows (original_id, seq)")
        cursor.execute("ANALYZE import_rows")
        cursor.execute(
            "DELETE FROM import_rows a USING import_rows b WHERE a.original_id = b.original_id AND a.seq < b.seq"
        )


_TYPES = {
    "mobile_valid": "bool",
    "properties": "jsonb",
    "unsubscribed": "bool",
    "mobile_unsubscribed": "bool",
}
_FORGOTTEN = """
DELETE FROM import_rows r USING messenger_contacts_suppression s
WHERE s.account_id = %(account)s AND s.key = r.customer_key AND s.reason = 'forgotten'
"""
_EVENTS = """
INSERT INTO messenger_contacts_consentevent (account_id, list_id, contact_id, customer_key, channel, change, source, at,
  business_at, door, actor, detail)
SELECT c.account_id, c.list_id, c.id, c.customer_key, n.channel, 'unsubscribed', 'import', %(now)s,
  %(business)s, 'import', %(actor)s, %(detail)s
FROM import_opted_out n JOIN messenger_contacts_contact c
  ON c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = n.original_id
"""
_OPTED_OUT = """
CREATE TEMP TABLE import_opted_out ON COMMIT DROP AS
SELECT r.original_id, w.channel FROM import_rows r
CROSS JOIN LATERAL (VALUES ('email', r.unsubscribed), ('sms', r.mobile_unsubscribed)) AS w(channel, wanted)
LEFT JOIN messenger_contacts_contact c
  ON c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = r.original_id
WHERE w.wanted AND NOT coalesce(CASE w.channel WHEN 'email' THEN c.unsubscribed ELSE c.mobile_unsubscribed END, false)
"""
_CONSENT = """
  unsubscribed = c.unsubscribed OR EXCLUDED.unsubscribed,
  opt_out_at = coalesce(c.opt_out_at, EXCLUDED.opt_out_at),
  mobile_unsubscribed = c.mobile_unsubscribed OR EXCLUDED.mobile_unsubscribed,
  opt_out_mobile_at = coalesce(c.opt_out_mobile_at, EXCLUDED.opt_out_mobile_at),
  active = true, modified_at = EXCLUDED.modified_at
"""
_UNSUBSCRIBE = """
UPDATE messenger_contacts_contact c
SET unsubscribed = c.unsubscribed OR r.unsubscribed,
    mobile_unsubscribed = c.mobile_unsubscribed OR r.mobile_unsubscribed,
    opt_out_at = CASE WHEN r.unsubscribed THEN coalesce(c.opt_out_at, %(now)s) ELSE c.opt_out_at END,
    opt_out_mobile_at =
      CASE WHEN r.mobile_unsubscribed THEN coalesce(c.opt_out_mobile_at, %(now)s) ELSE c.opt_out_mobile_at END,
    modified_at = %(now)s
FROM import_rows r WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = r.original_id
"""
_REPLACE = """
UPDATE messenger_contacts_contact c SET active = false, modified_at = %(now)s
WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.active
  AND NOT EXISTS (SELECT 1 FROM import_rows r WHERE r.original_id = c.original_id)
"""


_WEIGH = """
SELECT count(*) FILTER (WHERE c.id IS NULL),
  count(*) FILTER (WHERE c.id IS NOT NULL AND ({changed})),
  count(*) FILTER (WHERE c.unsubscribed AND NOT r.unsubscribed),
  count(*) FILTER (WHERE c.mobile_unsubscribed AND NOT r.mobile_unsubscribed),
  count(*) FILTER (WHERE r.unsubscribed AND NOT coalesce(c.unsubscribed, false)),
  count(*) FILTER (WHERE r.mobile_unsubscribed AND NOT coalesce(c.mobile_unsubscribed, false)),
  count(*) FILTER (WHERE NOT c.active)
FROM import_rows r LEFT JOIN messenger_contacts_contact c
  ON c.account_id = %(account)s AND c.list_id = %(list)s AND c.original_id = r.original_id
"""
_INACTIVE = """
SELECT count(*) FROM messenger_contacts_contact c
WHERE c.account_id = %(account)s AND c.list_id = %(list)s AND c.active
  AND NOT EXISTS (SELECT 1 FROM import_rows r WHERE r.original_id = c.original_id)
"""


def weigh_rows(account_id: int, list_id: int, kind: str, reader: RowReader) -> Outcome:
    """What bringing the temporary table into the list would do; the table is gone after it."""
    given = {"account": account_id, "list": list_id}
    header = reader.header
    with closing(connection.cursor()) as cursor:
        cursor.execute(_FORGOTTEN, given)
        forgotten = cursor.rowcount
        if kind == "UNSUBSCRIBE" and not header.flags:
            cursor.execute("UPDATE import_rows SET unsubscribed = true, mobile_unsubscribed = true")
        cursor.execute(_WEIGH.format(changed=_changed(header)), given)
        new, changed, kept_email, kept_sms, ending_email, ending_sms, again = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM import_rows")
        rows = cursor.fetchone()[0]
        cursor.execute(_INACTIVE, given)
        inactive = cursor.fetchone()[0] if kind == "REPLACE" else 0
        cursor.execute("DROP TABLE import_rows")
    brings = kind != "UNSUBSCRIBE"
    return Outcome(
        rows=reader.total, new=new if brings else 0, changed=changed if brings else 0,
        same=rows - new - changed if brings else 0, refused=reader.left_out, faulty=reader.faults - reader.left_out,
        forgotten=forgotten, kept_email=kept_email, kept_sms=kept_sms, ending_email=ending_email,
        ending_sms=ending_sms, inactive=inactive, again_active=again if brings else 0,
    )  # fmt: skip


def _changed(header: Header) -> str:
    """SQL: whether the row differs from its contact in what the file says."""
    columns = [name for name in (*PLAIN, "email", "mobile") if name in header.columns]
    parts = [f"c.{name} IS DISTINCT FROM r.{name}" for name in columns] + ["NOT c.active"]
    parts += [f"(r.{flag} AND NOT c.{flag})" for flag in ("unsubscribed", "mobile_unsubscribed")]
    return " OR ".join(parts + (["NOT c.properties @> r.properties"] if header.properties else []))


def merge_rows(
    account_id: int,
    list_id: int,
    kind: str,
    header: Header,
    clock: Clock,
    *,
    actor: str = "",
    detail: str = "",
    most_inactive: int | None = None,
) -> int:
    """Bring the temporary table into the list; how many contacts changed. actor, detail: for the proofs.

    most_inactive: raises BadImport where REPLACE would make more contacts inactive.
    """
    given: dict[str, Any] = {
        "account": account_id, "list": list_id, "now": clock.system(), "business": clock.business(), "actor": actor,
        "detail": detail,
    }  # fmt: skip
    with closing(connection.cursor()) as cursor:
        cursor.execute(_FORGOTTEN, given)
        if kind == "UNSUBSCRIBE":
            if not header.flags:  # without flag columns the whole row means: nothing by any channel
                cursor.execute("UPDATE import_rows SET unsubscribed = true, mobile_unsubscribed = true")
            cursor.execute(_OPTED_OUT, given)
            cursor.execute(_UNSUBSCRIBE, given)
            affected = cursor.rowcount
        else:
            cursor.execute(_OPTED_OUT, given)
            cursor.execute(_upsert(header), given)
            affected = cursor.rowcount
        cursor.execute(_EVENTS, given)
        if kind == "REPLACE":
            cursor.execute(_REPLACE, given)
            if most_inactive is not None and cursor.rowcount > most_inactive:
                raise BadImport(
                    f"It would make {cursor.rowcount} contacts inactive, not {most_inactive} as confirmed.",
                    "The list has changed meanwhile. Check the file again.",
                )
            affected += cursor.rowcount
        cursor.execute("DROP TABLE import_rows, import_opted_out")
    return affected


def _upsert(header: Header) -> str:
    """Only columns of the file change; attributes are merged, consent only ever ends."""
    changed = [f"{column} = EXCLUDED.{column}" for column in PLAIN if column in header.columns]
    for column, also in (("email", ("email_key",)), ("mobile", ("mobile_key", "mobile_valid"))):
        if column in header.columns:
            changed += [f"{name} = EXCLUDED.{name}" for name in (column, *also)]
    if header.properties:
        changed.append("properties = c.properties || EXCLUDED.properties")
    columns = ", ".join(name for name in TABLE if name != "seq")
    return f"""INSERT INTO messenger_contacts_contact AS c (
      account_id, list_id, {columns}, opt_out_at, opt_out_mobile_at, audio_unsubscribed, bounced, mobile_bounced,
      content_version, active, created_at, modified_at)
    SELECT %(account)s, %(list)s, {columns}, CASE WHEN unsubscribed THEN %(now)s::timestamptz END,
      CASE WHEN mobile_unsubscribed THEN %(now)s::timestamptz END, false, false, false, 0, true, %(now)s, %(now)s
    FROM import_rows ORDER BY original_id
    ON CONFLICT (account_id, list_id, original_id) DO UPDATE SET {", ".join([*changed, _CONSENT])}"""  # noqa: S608
