"""A line as high as a word, to stand in a row of a table."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tandem.kit.plots.domain import known

WIDE, HIGH, EDGE = 96.0, 24.0, 3.0


def spark(values: Sequence[float | None], words: str) -> SafeString:
    """The values in their order; words say the same for those who cannot see it. Empty for fewer than two."""
    found = known(values)
    if len(found) <= 1:
        return SafeString()
    low, span = min(found), (max(found) - min(found)) or 1.0
    points = [
        (
            EDGE + (WIDE - 2 * EDGE) * nth / (len(found) - 1),
            HIGH - EDGE - (HIGH - 2 * EDGE) * (one - low) / span,
        )
        for nth, one in enumerate(found)
    ]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return format_html(
        '<svg class="plot-spark" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" '
        'focusable="false"><title>{}</title><path class="plot-line actual" d="{}"/>'
        '<g class="plot-dots actual"><circle cx="{}" cy="{}" r="2.5"/></g></svg>',
        f"{WIDE:g}", f"{HIGH:g}", words, path, f"{points[-1][0]:.1f}", f"{points[-1][1]:.1f}",
    )  # fmt: skip
