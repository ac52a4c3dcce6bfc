"""Statements that the server parses and plans once for a connection, not each time they are asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import Cursor


@contextmanager
def prepared() -> Iterator[Cursor[tuple[Any, ...]]]:
    """A cursor whose statements the server keeps prepared from their second time on, until the connection ends.

    Django sends its own as text each time, with their values in them, and switches preparing off.
    """
    connection.ensure_connection()
    inner = connection.connection
    inner.prepare_threshold = 1
    with connection.wrap_database_errors, Cursor(inner) as cursor:
        yield cursor
