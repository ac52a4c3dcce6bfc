"""Made-up customers with two years of orders, and contacts that lead to nobody; the same seed makes the same files.

Kinds of customers: one-time buyers, regulars, lapsed, seasonal, newcomers, people who only registered, and one small
group worth finding: Norwegians who came by a podcast and buy climbing gear ever more often, never returning any.
Addresses are under example.com, example.org and example.net (RFC 2606). Numbers are reserved for fiction: Sweden's
070-174 06 05..99 and 555-0100..0199 in the areas of the American plan, all different. When they are used up, the rest
of the people has no number. (Ofcom's and ARCEP's ranges are not taken: number libraries call them invalid.)
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

DAYS = 730
_AREAS = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 "
    "252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 "
    "319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 "
    "414 415 417 419 423 424 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 "
    "513 515 516 517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 575 580 585 586 601 602 603 605 "
    "606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 "
    "701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727 731 732 734 740 754 757 760 763 765 "
    "770 772 773 774 775 781 785 786 801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 "
    "843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 901 903 904 906 907 908 909 910 912 913 914 915 "
    "916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 972 973 978 979 980 985 989 "
)
_FIRST = (
    "Ada Agnes Aino Alba Alice Amina Anders Anna Astrid Axel Bea Ben Birk Bo Carl Clara Daniel Dina Edith Eero "
    "Elin Ella Elsa Emil Erik Eva Filip Finn Freja Greta Hanna Hugo Ida Ingrid Iris Isak Jakob Jan Jonas Karin "
    "Kim Lars Lea Leo Liam Lina Linus Lotta Lucas Maja Malin Maria Mats Max Mia Mikael Mila Nils Noah Nora Olle "
    "Oskar Otto Per Petra Rasmus Ronja Ruth Samir Sara Selma Signe Simon Sofia Stella Sven Thea Tilda Tor Ulla "
    "Vera Viggo Vilma William Yara Zoe "
)
_LAST = (
    "Aalto Ahmed Andersen Andersson Bakke Becker Berg Bergman Brown Carlsson Dahl Dubois Ek Eklund Eriksson Falk "
    "Fischer Fontaine Garcia Hagen Hall Hansen Holm Ibsen Jansson Jensen Johansson Jones Karlsson Klein Korhonen "
    "Larsen Larsson Laurent Lind Lindberg Lund Madsen Martin Meyer Moreau Moller Nielsen Nilsson Nyberg Olsen "
    "Olsson Pettersson Quist Rossi Sandberg Schmidt Smith Solberg Strand Sund Svensson Taylor Thomsen Vik "
    "Virtanen Wagner Weber Westin Wilson Winter Wolff Ytterberg "
)


@dataclass(frozen=True, kw_only=True)
class Generated:
    """The files and what is in them."""

    orders: Path
    attributes: Path
    contacts: Path
    customers: int
    first_day: date
    last_day: date


def generate(
    folder: Path, *, customers: int = 50_000, seed: int = 1, last_day: date = date(2026, 6, 30)
) -> Generated:
    """Write orders.parquet, attributes.csv and contacts.csv into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    first_day = last_day - timedelta(days=DAYS - 1)
    made = Generated(
        orders=folder / "orders.parquet", attributes=folder / "attributes.csv", contacts=folder / "contacts.csv",
        customers=customers, first_day=first_day, last_day=last_day,
    )  # fmt: skip
    with _session(seed) as session:
        _people(session, customers, last_day)
        _orders(session, last_day)
        session.execute(f"COPY orders TO {_text(made.orders)} (FORMAT parquet, COMPRESSION zstd)")
        session.execute(
            f"COPY (SELECT customer_id, country, language, source, loyalty, joined AS joined_on, "
            "birth_year FROM people "
            f"ORDER BY i) TO {_text(made.attributes)} (FORMAT csv, HEADER)"
        )
        session.execute("CREATE TABLE ids AS SELECT i, customer_id AS id FROM people")
        _contacts(session, made.contacts)
    return made


def make_contacts_for(ids: Iterable[str], target: Path, *, seed: int = 1) -> int:
    """Write made-up contacts for the customers of a log that has none; the number of contacts."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _session(seed) as session:
        listed = Path(folder) / "ids.txt"
        with listed.open("w", encoding="utf-8", newline="") as file:
            file.writelines('"' + one.replace('"', '""') + '"\n' for one in ids)
        session.execute(
            f"CREATE TABLE ids AS SELECT row_number() OVER () - 1 AS i, id FROM read_csv({_text(listed)}, "
            "auto_detect = false, columns = {'id': 'VARCHAR'}, delim = ',', quote = '\"', escape = '\"', "
            "header = false)"
        )
        _contacts(session, target)
        row = session.execute("SELECT count(*) FROM ids").fetchone()
    return int(row[0]) if row else 0


def _session(seed: int) -> duckdb.DuckDBPyConnection:
    """A connection whose `u(i, k)` is the k-th uniform number of row i, `g(i, k)` a normal one."""
    session = duckdb.connect(config={"memory_limit": "1GB", "autoinstall_known_extensions": "false"})
    session.execute(
        f"CREATE MACRO u(i, k) AS md5_number_lower('{int(seed)} ' || i || ' ' || k) / 18446744073709551616.0"
    )
    session.execute("CREATE MACRO g(i, k) AS sqrt(-2 * ln(u(i, k) + 1e-12)) * cos(2 * pi() * u(i, k || 'b'))")
    session.execute("CREATE MACRO one_of(list, x) AS list[1 + floor(x * len(list))::INTEGER]")
    return session


def _people(session: duckdb.DuckDBPyConnection, customers: int, last_day: date) -> None:
    """One row per customer: kind, when they joined, how often and how much they buy."""
    session.execute(
        f"""CREATE TABLE people AS WITH drawn AS (SELECT i, u(i, 'kind') AS k, u(i, 'join') AS j, u(i, 'place') AS p,
            u(i, 'source') AS s, u(i, 'taste') AS t, g(i, 'purse') AS purse, u(i, 'pace') AS pace, u(i, 'stay') AS stay
          FROM range({int(customers)}) AS numbers(i)),
        kinds AS (SELECT *, CASE WHEN k < 0.02 THEN 'hidden' WHEN k < 0.35 THEN 'once' WHEN k < 0.60 THEN 'regular'
          WHEN k < 0.79 THEN 'lapsed' WHEN k < 0.90 THEN 'seasonal' WHEN k < 0.96 THEN 'new' ELSE
            'registered' END AS kind
          FROM drawn)
        SELECT i, 'T' || lpad((i + 100001)::VARCHAR, 7, '0') AS customer_id, kind,
          DATE '{last_day}' - (CASE kind WHEN 'new' THEN floor(j * 45) WHEN 'hidden' THEN 240 + floor(j * 460)
            ELSE floor(j * {DAYS}) END)::INTEGER AS joined,
          CASE WHEN kind = 'hidden' THEN 'NO' WHEN p < .42 THEN 'SE' WHEN p < .58 THEN 'NO' WHEN p < .70 THEN 'DK'
            WHEN p < .80 THEN 'FI' WHEN p < .90 THEN 'DE' WHEN p < .97 THEN 'GB' ELSE 'FR' END AS country,
          CASE WHEN kind = 'hidden' OR s > .95 THEN 'podcast' WHEN s < .35 THEN 'search' WHEN s < .6 THEN 'friend'
            WHEN s < .8 THEN 'shop' ELSE 'advertisement' END AS source,
          CASE WHEN kind = 'hidden' THEN 'Climbing' ELSE one_of(['Clothing', 'Shoes', 'Running', 'Cycling', 'Camping',
            'Winter sports', 'Climbing', 'Food'], t * t) END AS taste,
          CASE WHEN kind IN ('regular', 'hidden') AND purse > .3 THEN 'gold' WHEN kind <> 'registered' AND purse > -.4
            THEN 'silver' ELSE 'none' END AS loyalty,
          (1950 + floor(u(i, 'age') * 56))::INTEGER AS birth_year, exp(3.7 + .45 * purse) AS purse,
          CASE kind WHEN 'regular' THEN 18 + 60 * pace WHEN 'lapsed' THEN 20 + 60 * pace WHEN 'seasonal' THEN
            16 + 24 * pace
            WHEN 'new' THEN 20 + 30 * pace WHEN 'hidden' THEN 34 + 10 * pace ELSE 0 END AS gap,
          CASE kind WHEN 'once' THEN 1 WHEN 'registered' THEN 0 WHEN 'lapsed' THEN 2 + floor(stay * 9) ELSE
            60 END::INTEGER
            AS most
        FROM kinds"""
    )
    session.execute(
        "ALTER TABLE people ADD COLUMN language VARCHAR; UPDATE people SET language = CASE country WHEN 'SE' THEN 'sv' "
        "WHEN 'NO' THEN 'nb' WHEN 'DK' THEN 'da' WHEN 'FI' THEN 'fi' WHEN 'DE' THEN 'de' WHEN 'FR' THEN "
        "'fr' ELSE 'en' END"
    )


def _orders(session: duckdb.DuckDBPyConnection, last_day: date) -> None:
    """Visits at each one's pace, thinned by the season; of some a return a few days later."""
    session.execute(
        f"""CREATE TABLE orders AS WITH visits AS (
          SELECT p.*, n, i || '/' || n AS v FROM people p, LATERAL (SELECT unnest(range(most)) AS n)),
        dated AS (SELECT *, joined + (CASE WHEN n = 0 THEN 0 WHEN kind = 'hidden' THEN n * gap *
          greatest(.35, 1 - .03 * n)
            ELSE greatest(1, n * gap + gap * .35 * g(v, 'jitter')) END)::INTEGER AS day FROM visits),
        kept AS (SELECT * FROM dated WHERE day <= DATE '{last_day}' AND (n = 0 OR kind = 'hidden' OR u(v, 'season') <
          CASE WHEN kind = 'seasonal' THEN CASE WHEN month(day) IN (11, 12) THEN 1 WHEN month(day) IN (5, 6) THEN .45
            ELSE .03 END ELSE [.6, .55, .65, .7, .8, .75, .6, .65, .7, .75, .95, 1][month(day)] END)),
        sold AS (SELECT *, day + INTERVAL (7 + floor(u(v, 'hour') * 15)::INTEGER) HOUR
            + INTERVAL (floor(u(v, 'minute') * 60)::INTEGER) MINUTE AS ordered_at,
          CASE WHEN u(v, 'pick') < .6 THEN taste ELSE one_of(['Clothing', 'Shoes', 'Running', 'Cycling', 'Camping',
            'Winter sports', 'Climbing', 'Food'], u(v, 'other')) END AS category,
          (1 + floor(4 * pow(u(v, 'units'), 3)))::INTEGER AS quantity,
          round(purse * exp(.4 * g(v, 'sum')) * CASE WHEN kind = 'hidden' THEN 1 + .05 * n ELSE 1 END,
            2)::DECIMAL(18,2) AS each
          FROM kept)
        SELECT 'O' || lpad((row_number() OVER (ORDER BY ordered_at, i, quantity DESC))::VARCHAR, 8, '0') AS order_id,
          customer_id, ordered_at, category, quantity, value FROM (
            SELECT i, customer_id, ordered_at, category, quantity, (each * quantity)::DECIMAL(18,2) AS value FROM sold
            UNION ALL
            SELECT i, customer_id, ordered_at + INTERVAL (3 + floor(u(v, 'back') * 18)::INTEGER) DAY,
              category, -quantity,
              -(each * quantity)::DECIMAL(18,2) FROM sold WHERE kind <> 'hidden' AND u(v, 'return') < .04)
        WHERE ordered_at < DATE '{last_day}' + 1 ORDER BY order_id"""
    )


def _contacts(session: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Contacts of the table `ids`: 97 % have an address, 60 % a number while there are any, a few want no mail."""
    areas = ", ".join(f"'{area}'" for area in _AREAS.split())
    session.execute(
        f"""CREATE TABLE numbers AS SELECT row_number() OVER (ORDER BY md5(number)) AS place, number FROM (
          SELECT '+467017406' || lpad(n::VARCHAR, 2, '0') AS number FROM range(5, 100) AS r(n)
          UNION ALL SELECT '+1' || area || '55501' || lpad(n::VARCHAR, 2, '0') FROM (SELECT unnest([{areas}]) AS area),
            range(100) AS r(n))"""
    )
    first, last = (", ".join(f"'{one}'" for one in names.split()) for names in (_FIRST, _LAST))
    session.execute(
        f"""COPY (WITH named AS (SELECT i, id, one_of([{first}], u(id, 'first')) AS first,
            one_of([{last}], u(id, 'last')) AS last,
            CASE WHEN u(id, 'number') < .6 THEN row_number() OVER (PARTITION BY u(id, 'number') < .6 ORDER BY
              i) END AS place
          FROM ids)
        SELECT id AS "originalId", CASE WHEN u(id, 'mail') < .97 THEN lower(first || '.' || last || '.' || i) || '@' ||
            one_of(['example.com', 'example.org', 'example.net'], u(id, 'host')) ELSE '' END AS "emailAddress",
          coalesce(number, '') AS "mobileNumber", first AS "firstName", last AS "lastName",
          CASE WHEN u(id, 'off') < .04 THEN 1 ELSE 0 END AS "unsubscribed",
          CASE WHEN u(id, 'smsoff') < .05 THEN 1 ELSE 0 END AS "mobileUnsubscribed"
        FROM named LEFT JOIN numbers USING (place) ORDER BY i) TO {_text(target)} (FORMAT csv, HEADER)"""
    )


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
