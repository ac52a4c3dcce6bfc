"""Which column of a file is which attribute: guessed, chosen, checked. And cells that a spreadsheet would run."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tandem.messenger.contacts.domain import FLAGS, HEADERS, STATIC
from tandem.messenger.contacts.errors import BadImport
from tandem.messenger.contacts.rows import Header

MOST_COLUMNS = 200
SAMPLES = 5
#: a target that makes the attribute first
NEW = "+"
_FLAG_NAMES = {"unsubscribed": FLAGS["unsubscribed"], "mobileUnsubscribed": FLAGS["mobileunsubscribed"]}
_MEANT: Mapping[str, tuple[str, ...]] = {
    "originalId": ("id", "customerid", "customer", "customernumber", "customerno", "kundnummer", "kundennummer"),
    "emailAddress": ("email", "mail", "emailaddress", "epost", "epostadress", "sahkoposti"),
    "mobileNumber": ("mobile", "mobilephone", "phone", "phonenumber", "cell", "cellphone", "mobil", "telefon"),
    "firstName": ("firstname", "givenname", "fornamn", "vorname", "prenom"),
    "lastName": ("lastname", "surname", "familyname", "efternamn", "nachname", "nom"),
    "dateOfBirth": ("birthday", "birthdate", "dob", "dateofbirth"),
    "zipCode": ("zip", "zipcode", "postcode", "postalcode", "postnummer", "plz"),
    "city": ("city", "town", "ort", "stadt"),
    "country": ("country", "countrycode", "land"),
    "sex": ("sex", "gender"),
    "unsubscribed": ("unsubscribed", "optedout", "optout"),
    "mobileUnsubscribed": ("mobileunsubscribed", "smsunsubscribed"),
}  # fmt: skip
_WORDS = {word: target for target, words in _MEANT.items() for word in (*words, target.lower())}
_RUNS = ("=", "+", "-", "@", "\t", "\r")
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9_ \-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an import would do. refused: left out; kept: stay unsubscribed though the file says otherwise."""

    rows: int
    new: int
    changed: int
    same: int
    refused: int
    faulty: int
    forgotten: int
    kept_email: int
    kept_sms: int
    ending_email: int
    ending_sms: int
    inactive: int
    again_active: int


def targets(own: Sequence[str]) -> tuple[str, ...]:
    """Everything that a column can be."""
    return (*STATIC, *_FLAG_NAMES, *own)


def guessed(cells: Sequence[str], own: Sequence[str]) -> list[str]:
    """Per column its likely attribute, empty where none is; no attribute twice."""
    names = {_bare(name): name for name in own}
    found: list[str] = []
    for cell in cells:
        bare = _bare(cell)
        target = names.get(bare) or _WORDS.get(bare, "")
        found.append("" if target in found else target)
    return found


def named(cells: Sequence[str], own: Sequence[str]) -> list[str]:
    """Per column the attribute that bears its very name, whatever its case; empty where none does."""
    words = {name.lower(): name for name in targets(own)}
    words |= {"email": "emailAddress", "mobile": "mobileNumber"}
    found: list[str] = []
    for cell in cells:
        target = words.get(cell.strip().lstrip("\ufeff").lower(), "")
        found.append("" if target in found else target)
    return found


def checked(cells: Sequence[str], mapping: Sequence[str], own: Sequence[str]) -> None:
    """Raises BadImport unless each column has one known target, none twice, and one says who."""
    if len(mapping) != len(cells):
        raise BadImport("The mapping does not fit the file's columns.", "Choose again.")
    known = set(targets(own))
    for target in mapping:
        named = target.removeprefix(NEW)
        if target.startswith(NEW) and (not _PROPERTY.fullmatch(named) or named.lower() in HEADERS):
            raise BadImport(
                f"{named[:40]!r} cannot be an attribute.", "Leave the column out, or rename it in the file."
            )
        if target and not target.startswith(NEW) and target not in known:
            raise BadImport(f"There is no attribute {target[:40]!r}.", "Choose one of the list.")
    twice = [name for name, times in Counter(filter(None, map(_bare, mapping))).items() if times > 1]
    if twice:
        raise BadImport("Two columns are the same attribute.", "Leave one of them out.")
    if "originalId" not in mapping:
        raise BadImport(
            "No column says who a row is.", "Choose the column that holds the customer id (originalId)."
        )


def header_of(mapping: Sequence[str], properties: Mapping[str, str]) -> Header:
    """The header that a mapping means. properties: lower-case name -> id; a new one that is not made yet has none."""
    header = Header()
    for number, target in enumerate(mapping):
        name = target.removeprefix(NEW)
        if not target:
            continue
        if name in STATIC:
            header.columns[STATIC[name]] = number
        elif name in _FLAG_NAMES:
            header.flags[_FLAG_NAMES[name]] = number
        else:
            header.properties[properties.get(name.lower(), f"{NEW}{name}")] = number
    return header


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    return f"'{text}" if text.startswith(_RUNS) else text


def plain_cell(text: str) -> str:
    """The cell as it was before `safe_cell`: our own error files come back corrected."""
    return text[1:] if text.startswith("'") and text[1:2] in _RUNS else text


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.strip().lstrip("\ufeff").lower().replace("ö", "o").replace("ä", "a"))
