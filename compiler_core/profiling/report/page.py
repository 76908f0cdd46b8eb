"""report(profile, detail, chip, trace): the document."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from compiler_core.chips import Chip
from compiler_core.events import CoreUse, PipeUse, Profile, ProfileDetail, Series, Verdict
from compiler_core.profiling.fidelity import fidelity_of
from compiler_core.profiling.report import charts
from compiler_core.profiling.report.charts import number, percent, size
from compiler_core.profiling.report.words import both, reason, said, word
from compiler_core.profiling.trace_lanes import last_lanes

STALLS = ("flag", "communication", "barrier", "queue", "issue")
"""Reasons a pipe stands still, in the order of the bars. Bandwidth is time at work."""
PATH_LINES = 20
FILLED_BY = {"UB": "V", "L1": "MTE2", "L0A": "MTE1", "L0B": "MTE1", "L0C": "M"}
"""The pipe that fills a buffer lends it its colour."""

SCRIPT = """
const root = document.documentElement;
if (navigator.language.startsWith('zh')) root.dataset.lang = 'zh';
root.lang = root.dataset.lang;
document.getElementById('language').onclick = () => {
  root.lang = root.dataset.lang = root.dataset.lang === 'en' ? 'zh' : 'en';
};
document.getElementById('theme').onclick = () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
};
"""
PATTERNS = {"flag": "M0 6L6 0", "communication": "M0 3H6", "barrier": "M3 0V6", "queue": "M0 0L6 6M0 6L6 0", "issue": "M1 3H3"}
"""What is drawn over the grey of a stall, by reason: reasons are not told apart by colour alone."""


def report(profile: Profile, detail: ProfileDetail, chip: Chip, trace: bytes = b"") -> str:
    """The run as one HTML document without references to anything outside. Every text of the program is escaped."""
    style = files("compiler_core.profiling.report").joinpath("style.css").read_text(encoding="utf-8")
    sections = [
        _figures(profile, chip),
        _verdicts(profile.verdicts),
        _pipes(profile),
        _critical(profile, detail),
        _timeline(trace),
        _series("occupancy", detail.occupancy, profile),
        _series("bandwidth", detail.bandwidth, profile),
        _roofline(profile),
        _traffic(profile),
        _cores(detail.cores),
    ]
    name = escape(profile.scope)
    return (
        '<!doctype html><html lang="en" data-lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name} – Tilescope</title><style>{style}</style></head><body>{_patterns()}"
        f'<header><h1>{word("title")} <span class="mono">{name}</span></h1>'
        '<span class="tools"><button id="language" type="button">English / 中文</button> '
        f'<button id="theme" type="button">{both("Light / dark", "浅色 / 深色")}</button></span></header>'
        f'<main>{"".join(sections)}</main><p class="what">{word("made")}</p><script>{SCRIPT}</script></body></html>\n'
    )


def _patterns() -> str:
    drawn = [
        f'<pattern id="w-{name}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" '
        f'fill="var(--stall)"/><path d="{path}" stroke="var(--surface)" stroke-width="1.2"/></pattern>'
        for name, path in PATTERNS.items()
    ]
    return f'<svg style="position:absolute;width:0;height:0" aria-hidden="true"><defs>{"".join(drawn)}</defs></svg>'


def _section(key: str, *body: str, what: str = "") -> str:
    lead = f'<p class="what">{word(what)}</p>' if what else ""
    return f"<section><h2>{word(key)}</h2>{lead}{''.join(body)}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Cells are HTML; the first `left` columns and drawings stand left, numbers right."""

    def cell(tag: str, place: int, text: str) -> str:
        kind = ' class="wide"' if text.startswith("<svg") else "" if place < left else ' class="n"'
        return f"<{tag}{kind}>{text}</{tag}>"

    top = "".join(cell("th", i, text) for i, text in enumerate(head))
    body = "".join("<tr>" + "".join(cell("th" if i == 0 else "td", i, t) for i, t in enumerate(row)) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _figures(profile: Profile, chip: Chip) -> str:
    intensity, performance = profile.roofline
    shown = {
        "chip": f"{escape(chip.name)}, {chip.clock_mhz:g} MHz",
        "cycles": number(profile.cycles),
        "time": f"{profile.microseconds:.4g} µs",
        "launch": f"{profile.launch_microseconds:.3g} µs",
        "blocks": number(profile.blocks),
        "intensity": f"{number(intensity)} op/B",
        "performance": f"{number(performance)} op/cycle",
    }
    if profile.l2_hits is not None:
        shown["l2-hits"] = percent(profile.l2_hits)
    table = fidelity_of(chip.name)
    if table:
        shown["error"] = f"±{table.median:g} % ({number(len(table.cases))}: ≤ {table.worst:g} %)"
    return "<dl>" + "".join(f"<div><dt>{word(key)}</dt><dd>{text}</dd></div>" for key, text in shown.items()) + "</dl>"


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return _section("limits", f"<p>{word('nothing-limits')}</p>")
    items = [
        f"<li><p>{said(v.message)}</p><p>{word('try')}: {said(v.advice)}{_lines(v.lines)}</p>{_gain(v)}</li>" for v in verdicts
    ]
    return _section("limits", f"<ol>{''.join(items)}</ol>", what="gain-what")


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(str(line) for line in sorted(lines) if line)
    return f' <span class="dim">({word("line")} {shown})</span>' if shown else ""


def _gain(verdict: Verdict) -> str:
    gain = verdict.gain
    if gain is None:
        return ""
    if gain.cycles <= 0:
        return f'<p class="gain dim">{word("gain-none")}</p>'
    cycles = f'<span class="dim">({number(gain.cycles)} {word("cycles")})</span>'
    return f'<p class="gain">{word("gain")} <b>−{percent(gain.share)}</b> {cycles}</p>'


def _bar(pipe: str, use: PipeUse, cycles: int) -> str:
    whole = max(1, cycles)
    parts = [(f"pipe-{pipe}", use.busy / whole, f"{pipe}: {number(use.busy)}")]
    parts += [(f"why-{why}", use.stalls.get(why, 0) / whole, f"{why}: {number(use.stalls.get(why, 0))}") for why in STALLS]
    return charts.stacked(parts)


def _pipes(profile: Profile) -> str:
    reasons = [why for why in STALLS if any(why in use.stalls for kind in profile.kinds for use in kind.pipes.values())]
    head = [word("pipe"), "", word("busy"), *map(reason, reasons), reason("bandwidth"), word("instructions")]
    rows = [
        [
            f'{escape(kind.kind)} <span class="mono">{escape(pipe)}</span>',
            _bar(pipe, use, kind.cycles),
            percent(use.busy / max(1, kind.cycles)),
            *(percent(use.stalls.get(why, 0) / max(1, kind.cycles)) for why in [*reasons, "bandwidth"]),
            number(use.instructions),
        ]
        for kind in profile.kinds
        for pipe, use in kind.pipes.items()
        if use.busy
    ]
    legend = f'<div class="legend">{"".join(map(_swatch, reasons))}</div>'
    return _section("pipes", legend, _table(head, rows), what="pipes-what") if rows else ""


def _swatch(why: str) -> str:
    drawn = f'<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="why-{why}" width="10" height="10"/></svg>'
    return f"<span>{drawn}{reason(why)}</span>"


def _critical(profile: Profile, detail: ProfileDetail) -> str:
    if not detail.path:
        return ""
    whole = max(1, profile.cycles)
    rows = [
        [
            str(part.line) if part.line else "–",
            f'<span class="mono">{escape(part.name)}</span>',
            f'<span class="mono">{escape(part.pipe)}</span>',
            charts.stacked([(f"pipe-{part.pipe}", part.cycles / whole, number(part.cycles))]),
            number(part.cycles),
            percent(part.cycles / whole),
            number(part.count),
        ]
        for part in detail.path[:PATH_LINES]
    ]
    head = [word(k) for k in ("line", "instruction", "pipe")] + ["", word("cycles"), word("share"), word("count")]
    return _section("critical", _table(head, rows, left=3), what="critical-what")


def _timeline(trace: bytes) -> str:
    lanes = last_lanes(trace)
    end = max((s.start + s.cycles for lane in lanes for s in lane.spans), default=0.0)
    drawn = charts.timeline(lanes, end) if lanes else f"<p>{word('timeline-none')}</p>"
    return _section("timeline", drawn)


def _series(key: str, found: Sequence[Series], profile: Profile) -> str:
    if not found:
        return ""
    drawn: list[str] = []
    for series in found:
        kind = FILLED_BY.get(series.name) or ("MTE3" if series.name.endswith("GM") else "MTE2")
        peak = max((value for _, value in series.points), default=0.0)
        most, unit = (
            (size(peak), size(series.capacity)) if key == "occupancy" else (number(peak), f"{number(series.capacity)} B/cycle")
        )
        name = series.name.replace("->", " → ")
        label = f"{name}: {most} / {unit}" if series.capacity else f"{name}: {most}"
        drawn.append(f'<p class="what">{escape(label)} <span class="dim">{escape(series.core)}</span></p>')
        drawn.append(charts.curve(series, profile.cycles, f"pipe-{kind}", label))
    return _section(key, *drawn)


def _roofline(profile: Profile) -> str:
    drawn = charts.roofline(profile)
    return _section("roofline", drawn, what="roofline-what") if drawn else ""


def _traffic(profile: Profile) -> str:
    most = max(profile.traffic.values(), default=1)
    rows = [
        [
            escape(path.replace("->", " → ")),
            charts.stacked([("pipe-MTE3" if path.endswith("GM") else "pipe-MTE2", moved / max(1, most), size(moved))]),
            size(moved),
        ]
        for path, moved in sorted(profile.traffic.items(), key=lambda pair: -pair[1])
    ]
    return _section("traffic", _table([word("path-name"), "", word("path-bytes")], rows)) if rows else ""


def _cores(cores: Sequence[CoreUse]) -> str:
    """Each core that ran: its busiest pipe drawn with what it waited for."""
    rows: list[list[str]] = []
    for core in cores:
        if not core.blocks:
            continue
        pipe = max(core.pipes, key=lambda p: core.pipes[p].busy, default="")
        if pipe:
            use = core.pipes[pipe]
            last = max(c.end for c in cores)
            rows.append(
                [
                    f"{escape(core.kind)} {core.index}",
                    f'<span class="mono">{escape(pipe)}</span>',
                    _bar(pipe, use, last),
                    percent(use.busy / max(1, core.end)),
                    number(core.blocks),
                    number(core.end),
                ]
            )
    head = [word("core"), word("pipe"), "", word("busy"), word("blocks"), word("end")]
    return _section("cores", _table(head, rows, left=2)) if rows else ""
