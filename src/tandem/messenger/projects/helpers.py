"""The grammar of one tag: its words -> a Tag, or what is wrong and how it is written."""

import re
from dataclasses import dataclass

from tandem.messenger.projects import dates
from tandem.messenger.projects.conditions import OPERATORS
from tandem.messenger.projects.tags import CASES, MESSAGE_PREFIX, Names, Spot, Tag

UNSUBSCRIBE = "message.unsubscribeurl"
BLOCKS = (*CASES, "print", "switch", "compare", "default")
LONGEST_WORDS = 2000
_PATH = re.compile(r"(contact|trigger|message)\.(?:\[([^\[\]]{1,100})\]|([\w\-]{1,100}))", re.IGNORECASE)
_WORD = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|(\w+\.\[[^\[\]]*\]|[^\s"']+))(?=\s|$)""")


class Wrong(Exception):
    """What is wrong with a tag."""


@dataclass(frozen=True)
class Word:
    """A word of a tag: a quoted text, or a name."""

    text: str
    quoted: bool


@dataclass
class Grammar:
    """Reads single tags; what is only remarkable gathers in `remarks`."""

    names: Names
    remarks: list[str]

    def tag(self, inside: str, spot: Spot) -> Tag:
        """The tag of what stands between the braces. Raises Wrong."""
        if inside.startswith("/"):
            return self._close(inside[1:].strip(), spot)
        is_block = inside.startswith("#")
        words = split(inside[is_block:])
        if is_block:
            return self._open(words, spot)
        if len(words) == 1 and not words[0].quoted:
            return self.look_up(words[0].text, spot)
        return self._helper(words, spot)

    def look_up(self, path: str, spot: Spot) -> Tag:
        """The value at a path, or the unsubscribe address. Raises Wrong."""
        if path.lower() == UNSUBSCRIBE:
            return Tag(kind="unsubscribe", spot=spot)
        found = _PATH.fullmatch(path)
        if found is None:
            raise Wrong(_unknown(path, self.names))
        return Tag(kind="value", name=self._name(found[1].lower(), found[2] or found[3]), spot=spot)

    def _name(self, space: str, said: str) -> str:
        name = self.names.find(said)
        if space != "contact":
            if name is None:
                self.remarks.append(
                    f"{said!r} is no attribute: it is empty unless the message brings a property of this name."
                )
            return MESSAGE_PREFIX + (name or said.lower())
        if name is None:
            near = self.names.near(said)
            raise Wrong(
                f"There is no attribute {said!r}."
                + (f" Did you mean {near!r}?" if near else " Create it, or correct the name.")
            )
        return name

    def _value(self, word: Word, spot: Spot, helper: str, usage: str) -> str:
        if word.quoted:
            raise Wrong(usage)
        tag = self.look_up(word.text, spot)
        if tag.kind != "value":
            raise Wrong(f"{helper} works on attributes of the contact only.")
        return tag.name

    def _close(self, name: str, spot: Spot) -> Tag:
        if name.lower() not in BLOCKS:
            raise Wrong(f"{{{{/{_cut(name)}}}}} closes nothing that is known.")
        return Tag(kind="close", helper=name.lower(), spot=spot)

    def _open(self, words: list[Word], spot: Spot) -> Tag:
        helper, rest = words[0].text.lower(), words[1:]
        if words[0].quoted or helper not in BLOCKS:
            raise Wrong(_unknown("#" + words[0].text, self.names))
        if helper in ("print", "switch"):
            usage = f"Write {{{{#{helper} contact.name}}}} ... {{{{/{helper}}}}}."
            if len(rest) != 1:
                raise Wrong(usage)
            name = self._value(rest[0], spot, words[0].text, usage)
            return Tag(kind="open", helper=helper, name=name, spot=spot)
        if helper == "compare":
            return self._compare(rest, spot)
        if rest:
            raise Wrong(f"Write {{{{#{helper}}}}} ... {{{{/{helper}}}}} without anything else in the tag.")
        return Tag(kind="open", helper=helper, spot=spot)

    def _compare(self, rest: list[Word], spot: Spot) -> Tag:
        usage = 'Write {{#compare ">" 100}} or {{#compare "=" "gold"}}.'
        if len(rest) != 2:
            raise Wrong(usage)
        operator = OPERATORS.get(rest[0].text)
        if operator is None:
            raise Wrong(f"The sign {_cut(rest[0].text)!r} is not known. Use =, !=, >, <, >= or <=.")
        if not rest[1].quoted and not re.fullmatch(r"[+-]?\d+(\.\d+)?", rest[1].text):
            raise Wrong("Compare with a number, or with words in quotes.")
        return Tag(kind="open", helper="compare", operator=operator, text=rest[1].text[:200], spot=spot)

    def _helper(self, words: list[Word], spot: Spot) -> Tag:
        helper, rest = words[0].text.lower(), words[1:]
        if words[0].quoted or helper not in (*CASES, "print", "date", "noencode", "urlencode"):
            raise Wrong(_unknown(words[0].text, self.names))
        if helper == "date":
            return self._date(rest, spot)
        if helper == "print":
            return self._print(rest, spot)
        usage = f"Write {{{{{_cut(words[0].text)} contact.name}}}}."
        if len(rest) != 1:
            raise Wrong(usage)
        name = self._value(rest[0], spot, words[0].text, usage)
        return Tag(kind="value", name=name, helper=helper, spot=spot)

    def _print(self, rest: list[Word], spot: Spot) -> Tag:
        usage = 'Write {{print contact.name "instead"}}.'
        if not 1 <= len(rest) <= 2:
            raise Wrong(usage)
        name = self._value(rest[0], spot, "print", usage)
        if len(rest) == 2 and not rest[1].quoted:
            raise Wrong("Put the words to print instead in quotes.")
        words = rest[1].text if len(rest) == 2 else ""
        return Tag(kind="fallback", name=name, text=words[:LONGEST_WORDS], spot=spot)

    def _date(self, rest: list[Word], spot: Spot) -> Tag:
        usage = 'Write {{date "d MMMM yyyy" contact.dateOfBirth}}.'
        if len(rest) != 2 or rest[0].quoted == rest[1].quoted:
            raise Wrong(usage)
        pattern, value = rest if rest[0].quoted else (rest[1], rest[0])
        name = self._value(value, spot, "date", usage)
        try:
            dates.parsed(pattern.text)
        except ValueError as wrong:
            raise Wrong(str(wrong)) from None
        return Tag(kind="value", name=name, helper="date", text=pattern.text, spot=spot)


def split(text: str) -> list[Word]:
    """The words of a tag. Raises Wrong."""
    words, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise Wrong("The quotes of this tag do not match.")
        quoted = match[1] if match[1] is not None else match[2]
        words.append(Word(match[3], False) if quoted is None else Word(quoted, True))
        position = match.end()
    if not words:
        raise Wrong("This tag is empty. Write an attribute, such as {{contact.firstName}}.")
    return words


def _unknown(said: str, names: Names) -> str:
    bare = names.find(said)
    if bare is not None:
        return f"{{{{{_cut(said)}}}}} is not known. Write {{{{contact.{_cut(said)}}}}}."
    return f"{{{{{_cut(said)}}}}} is not known. Attributes are written {{{{contact.firstName}}}}."


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:40] + "…"
