"""Target groups: the list, and the builder - one form, one URL; only *save* writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tandem.kit.plots import spark
from tandem.kit.problems import NotFound, Problem
from tandem.planner.customers.service import sensitive_columns
from tandem.planner.targeting import service
from tandem.planner.targeting.domain import MOST_DEPTH, GroupView, Sizes
from tandem.planner.targeting.errors import GroupRefused
from tandem.planner.web import ranges
from tandem.planner.web.access import go, now, page
from tandem.planner.web.groups import forms
from tandem.planner.web.groups.choices import operators_of, questions, sets_of
from tandem.planner.web.words import shown

QUICK = 0.5


@dataclass
class Builder:
    """All the page shows: the draft, what is wrong with it, and what is known of the people it means."""

    account_id: int
    attributes: forms.Attributes
    root: forms.GroupDraft
    group: GroupView | None = None
    name: str = ""
    text: str = ""
    text_was: str = ""
    person: str = ""
    seed: int = 0
    do: str = ""
    find: str = ""
    condition: dict[str, Any] | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    count: Any = None
    people: Any = None
    expected: Any = None
    why: Any = None
    explanation: Any = None
    person_error: str = ""

    @property
    def text_edited(self) -> bool:
        """Whether the text was changed by hand and not used yet."""
        return _lines(self.text) != _lines(self.text_was)


@page()
def groups(request: HttpRequest) -> HttpResponseBase:
    """All target groups of the account."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    sizes = service.group_sizes(account_id)
    lines = {group: _line(found) for group, found in sizes.items()}
    listed = [
        (group, sizes.get(group.id), lines.get(group.id, "")) for group in service.list_groups(account_id)
    ]
    newest = max((found.day for found in sizes.values()), default=None)
    return render(request, "groups/list.html", {"groups": listed, "newest": newest})


def _line(sizes: Sizes) -> str:
    """The sizes as a line in a row."""
    words = _("From %(first)s on %(day)s to %(last)s") % {
        "first": f"{sizes.days[0][1]:,}", "day": sizes.days[0][0], "last": f"{sizes.members:,}",
    }  # fmt: skip
    return spark([members for _day, members in sizes.days], words)


@page(write=True)
@require_http_methods(["POST"])
def move(request: HttpRequest, group_id: int) -> HttpResponseBase:
    """Give a group another place among all."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    given = request.POST.get("priority", "")
    place = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0
    try:
        group = service.set_priority(account_id, group_id, place, actor=str(request.user), clock=now())
    except GroupRefused as problem:
        messages.error(request, f"{problem.detail} {problem.advice}")
    else:
        messages.success(
            request, _("*%(name)s* has priority %(place)s.") % {"name": group.name, "place": group.priority}
        )
    return go(request, "/ui/groups")


@page(write=True)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponseBase:
    """The builder, empty."""
    return _build(request, None)


@page()
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, group_id: int) -> HttpResponseBase:
    """The builder, filled with a saved group."""
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    return _build(request, service.get_group(account_id, group_id))


def _build(request: HttpRequest, group: GroupView | None) -> HttpResponseBase:
    account_id: int = request.user.account_id  # type: ignore[union-attr]
    try:
        attributes = {one.name: one for one in service.attributes_of(account_id)}
    except NotFound as missing:
        return render(request, "groups/no_customers.html", {"problem": missing})
    if request.method != "POST":
        builder = _opened(account_id, attributes, group, request.GET.get("text", ""))
        return _answer(request, builder)
    builder = _posted(request, account_id, attributes, group)
    _ACTIONS.get(builder.do, _change)(builder)
    if builder.do == "save" and not builder.errors:
        saved = _save(builder)
        if saved is not None:
            messages.success(request, _("Saved *%(name)s*.") % {"name": saved.name})
            return go(request, f"/ui/groups/{saved.id}")
    return _answer(request, builder)


def _opened(account_id: int, attributes: forms.Attributes, group: GroupView | None, text: str) -> Builder:
    builder = Builder(account_id=account_id, attributes=attributes, root=forms.blank(), group=group)
    if group is not None:
        builder.root, builder.name = forms.draft_of(group.condition, attributes), group.name
    elif text:
        builder.text = text
        _use_text(builder)
    _judge(builder)
    return builder


def _posted(
    request: HttpRequest, account_id: int, attributes: forms.Attributes, group: GroupView | None
) -> Builder:
    posted = request.POST
    seed = posted.get("seed", "0")
    return Builder(
        account_id=account_id,
        attributes=attributes,
        root=forms.from_post(posted, attributes),
        group=group,
        name=posted.get("name", ""),
        text=posted.get("text", ""),
        text_was=posted.get("text_was", ""),
        person=posted.get("person", "").strip(),
        seed=int(seed) if seed.isascii() and seed.isdigit() and len(seed) < 6 else 0,
        do=posted.get("do", "refresh"),
        find=posted.get("find", "").strip()[:100],
    )


def _change(builder: Builder) -> None:
    forms.change(builder.root, builder.do)
    _judge(builder)


def _use_text(builder: Builder) -> None:
    try:
        condition = service.to_condition(builder.account_id, _lines(builder.text))
    except Problem as problem:
        builder.errors.append(("id_text", f"{problem.detail} {problem.advice}".strip()))
        return
    builder.root = forms.draft_of(condition, builder.attributes)
    builder.text = builder.text_was = ""


def _from_text(builder: Builder) -> None:
    _use_text(builder)
    if not builder.errors:
        _judge(builder)


def _discard_text(builder: Builder) -> None:
    builder.text = builder.text_was
    _judge(builder)


def _more_people(builder: Builder) -> None:
    builder.seed += 1
    _judge(builder)


def _prepare_save(builder: Builder) -> None:
    if not builder.name.strip():
        builder.errors.append(("id_name", _("Give the target group a name.")))
    if builder.text_edited:
        builder.errors.append(
            ("id_text", _("The text was changed but not used. Press *Use this text* or *Put the text back*."))
        )
    _judge(builder, strict=True)
    if builder.condition is None and not builder.errors:
        builder.errors.append(("g", _("Fill the empty group or remove it.")))


_ACTIONS: dict[str, Callable[[Builder], None]] = {
    "from-text": _from_text,
    "text-back": _discard_text,
    "people": _more_people,
    "save": _prepare_save,
}


def _judge(builder: Builder, *, strict: bool = False) -> None:
    """Turn the draft into a condition where it is whole; note what is wrong otherwise."""
    builder.condition = forms.condition_of(builder.root, builder.attributes, strict=strict)
    builder.errors += [(f"{rule.path}-attr", rule.error) for rule in builder.root.rules() if rule.error]
    if builder.condition is None:
        return
    try:
        builder.condition = service.checked(builder.account_id, builder.condition)
    except Problem as problem:
        builder.condition = None
        builder.errors.append(("g", f"{problem.detail} {problem.advice}".strip()))


def _save(builder: Builder) -> GroupView | None:
    try:
        return service.save_group(
            builder.account_id,
            name=builder.name,
            condition=builder.condition,
            group_id=builder.group.id if builder.group else None,
            clock=now(),
        )
    except Problem as problem:
        builder.errors.append(
            (
                f"id_{problem.field}" if problem.field == "name" else "g",
                f"{problem.detail} {problem.advice}".strip(),
            )
        )
        return None


def _look(builder: Builder) -> None:
    """Ask who is meant: the count always, people when that is quick or asked for, why nobody at 0."""
    if builder.condition is None:
        return
    account_id, condition = builder.account_id, builder.condition
    builder.count = service.count(account_id, condition)
    if builder.count.members and (builder.count.seconds < QUICK or builder.do == "people"):
        builder.people = service.sample(account_id, condition, seed=builder.seed)
        builder.expected = service.expectation(account_id, condition)
    if not builder.count.members or builder.do == "why":
        builder.why = service.why_nobody(account_id, condition)
    if builder.person:
        try:
            builder.explanation = service.explain(account_id, condition, builder.person)
        except Problem as problem:
            builder.person_error = f"{problem.detail} {problem.advice}".strip()


def _answer(request: HttpRequest, builder: Builder) -> HttpResponseBase:
    _look(builder)
    if not builder.text_edited:
        if builder.condition is not None:
            builder.text = service.to_text(builder.account_id, builder.condition)
        builder.text_was = builder.text
    context = {
        "builder": builder,
        "people": _people(builder, request.user.account.currency),  # type: ignore[union-attr]
        "expected": _expected(builder.expected, request.user.account.currency),  # type: ignore[union-attr]
        "errors": builder.errors,
        "wrong": dict(builder.errors),
        "tree": _shown(builder.root, builder.attributes),
        "sets": sets_of(
            builder.attributes.values(), builder.find, {rule.attr for rule in builder.root.rules()}
        ),
        "sensitive": sensitive_columns(builder.account_id),
        "questions": questions(),
        "unfinished": sum(not rule.finished for rule in builder.root.rules()),
    }
    whole = request.headers.get("HX-Request") != "true"
    template = "groups/builder.html" if whole else "groups/_form.html"
    return render(request, template, context, status=422 if builder.errors else 200)


def _expected(found: service.Expectation | None, currency: str) -> list[tuple[str, str]]:
    """What the group is expected to do, each with the range in which it will lie 8 times of 10."""
    if found is None:
        return []
    told = []
    if found.value is not None:
        words = ranges.of_money(found.value.low, found.value.high, currency)
        told.append((_("Will spend in a year, together"), words))
    if found.churn is not None:
        words = (
            ranges.of_share(found.churn.low, found.churn.high) or f"{100 * found.churn.expected:.1f}\u00a0%"
        )
        told.append((_("Will be in Churn in 28 days"), words))
    return told


def _people(builder: Builder, currency: str) -> list[tuple[str, list[tuple[str, str]]]] | None:
    """The sampled customers with labels and values in words."""
    if builder.people is None:
        return None
    known = builder.attributes
    return [
        (
            person.customer_id,
            [
                (known[name].label, words)
                for name, value in person.values.items()
                if name in known and (words := shown(value, known[name].kind, currency))
            ],
        )
        for person in builder.people
    ]


def _shown(node: Any, attributes: forms.Attributes) -> dict[str, Any]:
    """A draft with what its template needs: operators, choices, which inputs to show."""
    if node.is_group:
        members = [_shown(member, attributes) for member in node.members]
        return {"group": node, "members": members, "nestable": node.depth < MOST_DEPTH}
    attribute = attributes.get(node.attr)
    listed = bool(attribute and attribute.choices and node.op in ("in", "notIn"))
    choices = list(attribute.choices) if attribute else []
    offered = [*choices, *(value for value in node.values if value and value not in choices)]
    return {
        "rule": node,
        "attribute": attribute,
        "operators": operators_of(node.attr, attributes),
        "listed": listed,
        "options": offered if listed else [],
        "valued": bool(node.attr) and node.op not in ("", "null", "notNull", "yes", "no"),
        "input": _input_type(node, attribute),
        "low": shown(attribute.low) if attribute else "",
        "high": shown(attribute.high) if attribute else "",
    }


def _input_type(rule: forms.RuleDraft, attribute: Any) -> str:
    if rule.history or rule.op in ("inLast", "notInLast"):
        return "number"
    return {"number": "number", "money": "number", "date": "date"}.get(
        attribute.kind if attribute else "", "text"
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
