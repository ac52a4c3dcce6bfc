"""Frees the pages of rows that were deleted for good."""

from django.db import connection


def vacuum(*tables: str) -> None:
    """VACUUM the tables of the half in use; nothing inside a transaction, where PostgreSQL refuses it."""
    if connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"VACUUM {connection.ops.quote_name(table)}")
