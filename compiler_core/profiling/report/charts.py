"""The drawings of the report, as SVG text: bars, curves over time, the roofline and the timeline.

Colours are classes that the page's style sheet gives values for both themes.
"""

import math
from collections.abc import Sequence
from html import escape

from compiler_core.events import Profile, Series
from compiler_core.profiling.trace_lanes import Lane

WIDTH = 960
STEP = 0.75
"""Units of the drawing below which neighbouring spans of a timeline are drawn as one."""


def number(value: float) -> str:
    """Thousands separated; never more digits than mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def size(value: float) -> str:
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= scale:
            return f"{value / scale:.4g} {unit}"
    return f"{value:.0f} B"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def stacked(parts: Sequence[tuple[str, float, str]]) -> str:
    """A bar of (class, share, title) parts; shares of the whole bar."""
    drawn: list[str] = []
    at = 0.0
    for kind, share, title in parts:
        length = max(0.0, min(1 - at, share))
        if length > 0:
            drawn.append(
                f'<rect class="{kind}" x="{1000 * at:.1f}" width="{1000 * length:.1f}" height="10">'
                f"<title>{escape(title)}</title></rect>"
            )
        at += length
    return f'<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">{"".join(drawn)}</svg>'


def curve(series: Series, end: int, kind: str, text: str) -> str:
    """A step curve from cycle 0 to `end`, under the capacity's line."""
    height, top = 46, max(series.capacity, *(value for _, value in series.points), 1e-9)

    def x(cycle: float) -> str:
        return f"{WIDTH * cycle / max(1, end):.1f}"

    def y(value: float) -> str:
        return f"{height - height * value / top:.1f}"

    path = [f"M0 {height}"]
    for cycle, value in series.points:
        path.append(f"H{x(cycle)}V{y(value)}")
    path.append(f"H{WIDTH}V{height}Z")
    limit = f'<line class="limit" x1="0" x2="{WIDTH}" y1="{y(series.capacity)}" y2="{y(series.capacity)}"/>'
    return (
        f'<svg class="curve" viewBox="0 -1 {WIDTH} {height + 2}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(text)}"><path class="{kind}" d="{"".join(path)}"/>{limit if series.capacity else ""}</svg>'
    )


def roofline(profile: Profile) -> str:
    """The kernel's point under the roofs of memory, L2 and arithmetic; both axes logarithmic."""
    intensity, performance = profile.roofline
    peak, memory, l2 = profile.roofs
    if min(intensity, performance, peak, memory) <= 0:
        return ""
    width, height = 480, 240
    low, high = math.log10(min(intensity, peak / max(l2, memory)) / 8), math.log10(max(intensity, peak / memory) * 8)
    top, bottom = math.log10(peak * 2), math.log10(min(performance, peak / 1000) / 2)

    def x(value: float) -> float:
        return width * (math.log10(value) - low) / (high - low)

    def y(value: float) -> float:
        return height * (top - math.log10(value)) / (top - bottom)

    def roof(rate: float, kind: str, name: str) -> str:
        knee, left = peak / rate, 10**low
        line = f'<polyline class="{kind}" points="0,{y(rate * left):.1f} {x(knee):.1f},{y(peak):.1f} {width},{y(peak):.1f}"/>'
        where = max(left * 1.3, 10**bottom / rate * 1.3)
        return f'{line}<text x="{x(where) + 6:.1f}" y="{y(rate * where) - 5:.1f}">{escape(name)}</text>'

    roofs = roof(memory, "roof", f"GM {number(memory)} B/cycle")
    if l2 > memory:
        roofs += roof(l2, "roof dim", f"L2 {number(l2)} B/cycle")
    point = f"{number(intensity)} op/B · {number(performance)} op/cycle"
    return (
        f'<svg class="roofline" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{point}">{roofs}'
        f'<text x="{width - 4}" y="{y(peak) - 5:.1f}" text-anchor="end">{number(peak)} op/cycle</text>'
        f'<circle cx="{x(intensity):.1f}" cy="{y(performance):.1f}" r="5"/>'
        f'<text x="{x(intensity) + 9:.1f}" y="{y(performance) + 14:.1f}">{point}</text>'
        "</svg>"
    )


def timeline(lanes: Sequence[Lane], end: float) -> str:
    """A row a pipe; spans closer than can be seen are drawn as one."""
    row, left = 18, 80
    scale = (WIDTH - left) / max(1.0, end)
    drawn: list[str] = []
    for place, lane in enumerate(lanes):
        drawn.append(f'<text x="0" y="{place * row + 12}">{escape(f"{lane.core} {lane.pipe}")}</text>')
        for low, high, name in _merged(lane, STEP / scale):
            length = max(STEP, (high - low) * scale)
            title = f"<title>{escape(name)}: {number(low)}–{number(high)}</title>"
            drawn.append(
                f'<rect class="pipe-{escape(lane.pipe)}" x="{left + low * scale:.1f}" y="{place * row + 2}" '
                f'width="{length:.1f}" height="{row - 5}">{title}</rect>'
            )
    return (
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {row * len(lanes) + 2}" role="img" aria-label="0–{number(end)}">'
        f"{''.join(drawn)}</svg>"
    )


def _merged(lane: Lane, gap: float) -> list[tuple[float, float, str]]:
    """The lane's spans as (start, end, name), neighbours closer than `gap` made one."""
    found: list[tuple[float, float, str]] = []
    for span in lane.spans:
        low, high = span.start, span.start + span.cycles
        if found and (high - found[-1][0] < gap * 2 or (low - found[-1][1] < gap and high - low < gap)):
            before = found[-1]
            name = before[2] if span.name == before[2] else f"{before[2].removesuffix(' …')} …"
            found[-1] = (before[0], max(before[1], high), name)
        else:
            found.append((low, high, span.name))
    return found
