"""The builder's form as plain objects: read from a POST, changed by its buttons, turned into a condition and back.

Names: a group at `g-0` has `g-0-match` and `g-0-size`; a rule has `-attr -was -op -value -value2 -days -category`.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from tandem.planner.engine.domain import Attribute, Kind
from tandem.planner.targeting.domain import MOST_DEPTH, MOST_RULES
from tandem.planner.targeting.errors import ConditionRefused
from tandem.planner.targeting.reading import read
from tandem.planner.web.groups.choices import operators_of

Attributes = dict[str, Attribute]
MATCHES = {"all": ("and", False), "any": ("or", False), "notall": ("and", True), "none": ("or", True)}
_LISTS = ("in", "notIn")


@dataclass
class RuleDraft:
    """One line of the builder, as typed."""

    path: str
    attr: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)
    value2: str = ""
    days: str = ""
    category: str = ""
    error: str = ""
    is_group = False

    @property
    def value(self) -> str:
        """What the one-line input holds."""
        return self.values[0] if self.values else ""

    @property
    def history(self) -> bool:
        """Whether it asks the history."""
        return self.attr.startswith("events.")

    @property
    def finished(self) -> bool:
        """Whether nothing that must be given is still blank."""
        if not self.attr:
            return False
        if self.history and self.attr.split(".")[2] in ("any", "none"):
            return True
        if self.op in ("null", "notNull", "yes", "no"):
            return True
        return bool(self.op and any(value.strip() for value in self.values)) and (
            self.op != "between" or bool(self.value2.strip())
        )


@dataclass
class GroupDraft:
    """All, any or none of its members."""

    path: str
    match: str = "all"
    members: "list[RuleDraft | GroupDraft]" = field(default_factory=list)
    is_group = True

    def place(self) -> None:
        """Give every member the path of its place."""
        for number, member in enumerate(self.members):
            member.path = f"{self.path}-{number}"
            if isinstance(member, GroupDraft):
                member.place()

    def rules(self) -> Iterator[RuleDraft]:
        """Every rule below."""
        for member in self.members:
            if isinstance(member, GroupDraft):
                yield from member.rules()
            else:
                yield member

    @property
    def depth(self) -> int:
        """1 for the outermost."""
        return self.path.count("-") + 1


def blank() -> GroupDraft:
    """A new builder: one empty condition."""
    return GroupDraft(path="g", members=[RuleDraft(path="g-0")])


def from_post(posted: QueryDict, attributes: Attributes) -> GroupDraft:
    """The builder as it was posted."""
    left = [MOST_RULES * 2]
    root = _group(posted, "g", attributes, left)
    return root if root.members else blank()


def _group(posted: QueryDict, path: str, attributes: Attributes, left: list[int]) -> GroupDraft:
    match = posted.get(f"{path}-match", "all")
    size = posted.get(f"{path}-size", "0")
    group = GroupDraft(path=path, match=match if match in MATCHES else "all")
    for number in range(int(size) if size.isascii() and size.isdigit() and len(size) < 4 else 0):
        left[0] -= 1
        child = f"{path}-{number}"
        if left[0] < 0 or group.depth > MOST_DEPTH + 1:
            break
        if f"{child}-size" in posted:
            group.members.append(_group(posted, child, attributes, left))
        else:
            group.members.append(_rule(posted, child, attributes))
    return group


def _rule(posted: QueryDict, path: str, attributes: Attributes) -> RuleDraft:
    attr = posted.get(f"{path}-attr", "")
    usual = next((code for code, _words in operators_of(attr, attributes)), "")
    if attr != posted.get(f"{path}-was", ""):
        return RuleDraft(path=path, attr=attr, op=usual)
    return RuleDraft(
        path=path,
        attr=attr,
        op=posted.get(f"{path}-op", "") or usual,
        values=posted.getlist(f"{path}-value"),
        value2=posted.get(f"{path}-value2", ""),
        days=posted.get(f"{path}-days", ""),
        category=posted.get(f"{path}-category", ""),
    )


def change(root: GroupDraft, do: str) -> None:
    """Apply a button: `add-rule:PATH`, `add-group:PATH`, `del:PATH`."""
    verb, _colon, path = do.partition(":")
    if verb in ("add-rule", "add-group"):
        group = _at(root, path)
        if isinstance(group, GroupDraft):
            group.members.append(
                RuleDraft(path="")
                if verb == "add-rule"
                else GroupDraft(path="", match="any", members=[RuleDraft("")])
            )
    elif verb == "del":
        _remove(root, path)
    root.place()


def _at(root: GroupDraft, path: str) -> "RuleDraft | GroupDraft | None":
    if path == root.path:
        return root
    for member in root.members:
        if member.path == path:
            return member
        if isinstance(member, GroupDraft) and path.startswith(f"{member.path}-"):
            return _at(member, path)
    return None


def _remove(root: GroupDraft, path: str) -> None:
    parent = _at(root, path.rpartition("-")[0])
    if isinstance(parent, GroupDraft):
        parent.members = [member for member in parent.members if member.path != path]
    if not root.members:
        root.members.append(RuleDraft(path=""))


def condition_of(root: GroupDraft, attributes: Attributes, *, strict: bool) -> dict[str, Any] | None:
    """The condition, or None while something is unfinished or wrong; errors are put on the rules.

    strict: blank rules are errors too (on saving).
    """
    whole = True
    for rule in root.rules():
        whole = _checked(rule, attributes, strict=strict) and whole
    if not whole or _hollow(root):
        return None
    return {"version": 1, **_group_document(root, attributes)}


def _hollow(group: GroupDraft) -> bool:
    return not group.members or any(_hollow(one) for one in group.members if isinstance(one, GroupDraft))


def _checked(rule: RuleDraft, attributes: Attributes, *, strict: bool) -> bool:
    if not rule.finished:
        rule.error = _unfinished(rule) if strict else ""
        return False
    try:
        read({"rules": [_rule_document(rule, attributes)]}, attributes.values())
    except ConditionRefused as refused:
        rule.error = f"{refused.detail} {refused.advice}".strip()
    return not rule.error


def _unfinished(rule: RuleDraft) -> str:
    if not rule.attr:
        return _("Choose what to ask, or remove this condition.")
    return _("Give a value, or remove this condition.")


def _group_document(group: GroupDraft, attributes: Attributes) -> dict[str, Any]:
    combinator, negated = MATCHES[group.match]
    rules = [
        _group_document(member, attributes)
        if isinstance(member, GroupDraft)
        else _rule_document(member, attributes)
        for member in group.members
    ]
    return {"combinator": combinator, "not": negated, "rules": rules}


def _rule_document(rule: RuleDraft, attributes: Attributes) -> dict[str, Any]:
    return _history_document(rule) if rule.history else _attribute_document(rule, attributes)


def _history_document(rule: RuleDraft) -> dict[str, Any]:
    _events, kind, agg, of = [*rule.attr.split("."), "", "", ""][:4]
    stored: dict[str, Any] = {"field": "events", "agg": agg, "where": {"kind": kind}}
    if agg not in ("any", "none"):
        pair = [_number(rule.value), _number(rule.value2)]
        stored |= {"operator": rule.op, "value": pair if rule.op == "between" else pair[0]}
    if of:
        stored["of"] = of
    if rule.days.strip():
        stored["days"] = _number(rule.days)
    if rule.category.strip():
        stored["where"]["category"] = split_list(rule.category)
    return stored


def _attribute_document(rule: RuleDraft, attributes: Attributes) -> dict[str, Any]:
    known = attributes.get(rule.attr)
    kind = known.kind if known else Kind.TEXT
    if rule.op in ("yes", "no"):
        return {"field": rule.attr, "operator": "=", "value": rule.op == "yes"}
    stored: dict[str, Any] = {"field": rule.attr, "operator": rule.op}
    if rule.op in ("null", "notNull"):
        return stored
    stored["value"] = _attribute_value(rule, kind, bool(known and known.choices))
    return stored


def _attribute_value(rule: RuleDraft, kind: Kind, chosen: bool) -> Any:
    if rule.op in _LISTS:
        return [value for value in rule.values if value] if chosen else split_list(rule.value)
    numeric = kind in (Kind.NUMBER, Kind.MONEY) or rule.op in ("inLast", "notInLast")
    typed = [_number(text) if numeric else text.strip() for text in (rule.value, rule.value2)]
    return typed if rule.op == "between" else typed[0]


def _number(text: str) -> Any:
    plain = text.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if len(plain) > 30:
        return text
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        return text


def split_list(text: str) -> list[str]:
    """Values separated by commas; quotes keep a comma inside a value."""
    rows = list(csv.reader([text.replace("\n", ",").replace("\r", "")], skipinitialspace=True))
    return [value.strip() for row in rows for value in row if value.strip()]


def join_list(values: list[str]) -> str:
    """What `split_list` reads."""
    return ", ".join(
        '"' + value.replace('"', '""') + '"' if set(value) & {",", '"'} else value for value in values
    )


def draft_of(condition: dict[str, Any], attributes: Attributes) -> GroupDraft:
    """The builder of a stored condition."""
    root = _draft_group(condition, attributes)
    root.place()
    return root


def _draft_group(stored: dict[str, Any], attributes: Attributes) -> GroupDraft:
    match = next(name for name, pair in MATCHES.items() if pair == (stored["combinator"], stored["not"]))
    members = [
        _draft_group(rule, attributes) if "rules" in rule else _draft_rule(rule, attributes)
        for rule in stored["rules"]
    ]
    return GroupDraft(path="g", match=match, members=members)


def _draft_rule(stored: dict[str, Any], attributes: Attributes) -> RuleDraft:
    if "agg" in stored:
        return _draft_history(stored)
    known = attributes.get(stored["field"])
    value = stored.get("value")
    if isinstance(value, bool):
        return RuleDraft(path="", attr=stored["field"], op="yes" if value else "no")
    rule = RuleDraft(path="", attr=stored["field"], op=stored["operator"])
    if rule.op in _LISTS:
        rule.values = list(value or []) if known and known.choices else [join_list(value or [])]
    elif rule.op == "between":
        rule.values, rule.value2 = [str((value or ["", ""])[0])], str((value or ["", ""])[1])
    elif value is not None:
        rule.values = [str(value)]
    return rule


def _draft_history(stored: dict[str, Any]) -> RuleDraft:
    where = stored.get("where", {})
    parts = ("events", where.get("kind", "sale"), stored["agg"], stored.get("of", ""))
    rule = RuleDraft(path="", attr=".".join(part for part in parts if part), op=stored.get("operator", ""))
    value = stored.get("value")
    if isinstance(value, list):
        rule.values, rule.value2 = [str(value[0])], str(value[1])
    elif value is not None:
        rule.values = [str(value)]
    rule.days = str(stored.get("days", ""))
    rule.category = join_list(where.get("category", []))
    return rule
