"""Drawings of the pages as inline SVG: shares as bars, where a list went, how fast a sending was.

Everything a drawing shows stands beside it in words too, so drawings are hidden from screen readers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

WIDTH, LEFT, RIGHT, NODE = 640.0, 118.0, 420.0, 10.0
BAND, SLOT, GAP = 190.0, 34.0, 8.0
LINE = 100.0


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One end of a flow: how many, of which kind (the colour), called what."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Ribbon:
    """A branch with its place in the drawing."""

    branch: Branch
    share: float
    from_top: float
    from_bottom: float
    to_top: float
    to_bottom: float

    @property
    def middle(self) -> float:
        """Where the label stands."""
        return (self.to_top + self.to_bottom) / 2

    @property
    def path(self) -> str:
        """The ribbon's outline."""
        left, right = LEFT + NODE, RIGHT
        bend = (left + right) / 2
        return (
            f"M{left:.1f} {self.from_top:.1f} C{bend:.1f} {self.from_top:.1f} {bend:.1f} {self.to_top:.1f} "
            f"{right:.1f} {self.to_top:.1f} L{right:.1f} {self.to_bottom:.1f} C{bend:.1f} {self.to_bottom:.1f} "
            f"{bend:.1f} {self.from_bottom:.1f} {left:.1f} {self.from_bottom:.1f} Z"
        )


def branches_of(
    named: Iterable[tuple[str, str, int]], reasons: Mapping[str, int], after: int = 1
) -> list[Branch]:
    """Named ends with the reasons of those left out placed behind the first `after`; empty ends are dropped."""
    ends = [Branch(kind=kind, label=label, count=count) for kind, label, count in named]
    out = [Branch(kind="out", label=reason.capitalize(), count=n) for reason, n in reasons.items()]
    return [branch for branch in [*ends[:after], *out, *ends[after:]] if branch.count]


def ribbons_of(branches: Sequence[Branch]) -> tuple[list[Ribbon], float]:
    """Each branch's ribbon and the height of the drawing; a branch is never thinner than a hair."""
    total = sum(branch.count for branch in branches)
    thick = [max(1.5, BAND * branch.count / total) for branch in branches]
    slots = [max(SLOT, one) for one in thick]
    height = sum(slots) + GAP * (len(slots) - 1)
    start, top, placed = (height - sum(thick)) / 2, 0.0, []
    for branch, one, slot in zip(branches, thick, slots, strict=True):
        to_top = top + (slot - one) / 2
        placed.append(
            Ribbon(
                branch=branch, share=branch.count / total,
                from_top=start, from_bottom=start + one, to_top=to_top, to_bottom=to_top + one,
            )
        )  # fmt: skip
        start, top = start + one, top + slot + GAP
    return placed, height


@register.inclusion_tag("_flow.html")
def flow(title: str, branches: Sequence[Branch]) -> dict[str, Any]:
    """Where everybody of a list went."""
    if not branches:
        return {}
    ribbons, height = ribbons_of(branches)
    return {
        "title": title,
        "total": sum(branch.count for branch in branches),
        "ribbons": [
            {
                "kind": one.branch.kind,
                "label": one.branch.label,
                "count": one.branch.count,
                "path": one.path,
                "y": f"{one.to_top:.1f}",
                "height": f"{one.to_bottom - one.to_top:.1f}",
                "middle": f"{one.middle:.1f}",
            }
            for one in ribbons
        ],
        "height": f"{height:.0f}",
        "top": f"{ribbons[0].from_top:.1f}",
        "band": f"{ribbons[-1].from_bottom - ribbons[0].from_top:.1f}",
        "words": f"{height / 2 - 4:.1f}",
        "number": f"{height / 2 + 16:.1f}",
    }


@register.simple_tag
def share_bar(part: float | None, whole: float | None, kind: str = "") -> SafeString:
    """A thin bar filled by part of whole."""
    filled = LINE * min(1.0, (part or 0) / whole) if whole else 0.0
    return format_html(
        '<svg class="share-bar {}" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false"><rect class="track" width="100" height="1"/><rect class="fill" width="{}" height="1"/>'
        "</svg>",
        kind,
        f"{filled:.2f}",
    )


@register.simple_tag
def columns(counts: Sequence[int]) -> SafeString:
    """Columns side by side, the highest as high as the drawing."""
    most = max(counts, default=0) or 1
    drawn = (
        (f"{10 * place + 1}", f"{LINE - LINE * count / most:.1f}", f"{LINE * count / most:.1f}")
        for place, count in enumerate(counts)
    )
    return format_html(
        '<svg class="columns-chart" viewBox="0 0 {} 100" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false">{}</svg>',
        10 * len(counts),
        format_html_join("", '<rect x="{}" y="{}" width="8" height="{}"/>', drawn),
    )
