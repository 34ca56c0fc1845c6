"""Versions of an archive in words: one version, and what changed between two."""

from __future__ import annotations

import html
import time

from daxa_gui.core.archive_queries import ArchiveVersion, VersionContents, VersionDifference, VersionProduct
from daxa_gui.gui.texts import count_text, counted

_MOST_LISTED = 200


def moment_text(seconds: float) -> str:
    """« 2026-11-21 16:05 », UTC."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def version_html(version: ArchiveVersion) -> str:
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in version.changes)
    note = f"<p><i>{html.escape(version.note)}</i></p>" if version.note else ""
    holds = f"{counted(version.n_observations, 'observation', 'observations')}, {counted(version.n_products, 'file', 'files')}"
    return (
        f"<h3>Version {html.escape(version.number)}</h3><p>{moment_text(version.created)} UTC · {holds}</p>{note}<ul>{items}</ul>"
    )


def contents_html(contents: VersionContents, labels: dict[str, str]) -> str:
    """Observations and the parameters of each step as they were."""
    by_mission: dict[str, list[str]] = {}
    for mission, obs_id in contents.observations:
        by_mission.setdefault(mission, []).append(obs_id)
    parts = [version_html(contents.version), "<h4>Observations</h4>"]
    for mission, obs_ids in by_mission.items():
        more = f" … and {count_text(len(obs_ids) - _MOST_LISTED)} more" if len(obs_ids) > _MOST_LISTED else ""
        listed = html.escape(" ".join(obs_ids[:_MOST_LISTED]))
        parts.append(f"<p><b>{html.escape(labels.get(mission, mission))}</b> ({count_text(len(obs_ids))}): {listed}{more}</p>")
    parts.append("<h4>Parameters</h4>" + _parameters_html(contents.products))
    if contents.gtis:
        rows = "".join(
            f"<tr><td>{html.escape(_exposure(unit, labels))}&nbsp;&nbsp;</td>"
            f"<td align='right'>{sum(stop - start for start, stop in gti) / 1000:.2f} ks&nbsp;&nbsp;</td>"
            f"<td align='right'>{len(gti)}</td></tr>"
            for unit, gti in list(contents.gtis.items())[:_MOST_LISTED]
        )
        parts.append(
            f"<h4>Good time</h4><table><tr><th align='left'>Exposure</th><th>Good time</th><th>Intervals</th></tr>{rows}</table>"
        )
    return "".join(parts)


def _exposure(unit: str, labels: dict[str, str]) -> str:
    mission, _, rest = unit.partition("/")
    return f"{labels.get(mission, mission)} {rest.replace('/', ' ')}"


def _parameters_html(products: tuple[VersionProduct, ...]) -> str:
    """Each set of parameters of each step once, with the number of files that were made with it."""
    sets: dict[tuple[str, str], int] = {}
    for product in products:
        values = {k: v for k, v in product.parameters.items() if v is not None}
        text = ", ".join(f"{name} = {value}" for name, value in sorted(values.items()))
        sets[product.step, text] = sets.get((product.step, text), 0) + 1
    rows = "".join(
        f"<tr><td>{html.escape(step)}&nbsp;&nbsp;</td><td align='right'>{count_text(n)}&nbsp;&nbsp;</td>"
        f"<td>{html.escape(text) or 'the mission’s own values'}</td></tr>"
        for (step, text), n in sorted(sets.items())[:_MOST_LISTED]
    )
    return f"<table><tr><th align='left'>Step</th><th>Files</th><th align='left'>Parameters</th></tr>{rows}</table>"


def difference_html(difference: VersionDifference, labels: dict[str, str]) -> str:
    sentences = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in difference.sentences)
    parts = [f"<h3>From {html.escape(difference.old)} to {html.escape(difference.new)}</h3>"]
    parts.append(f"<ul>{sentences}</ul>" if sentences else "<p>Nothing differs.</p>")
    parts.append(_listed("New observations", [f"{labels.get(m, m)} {o}" for m, o in difference.added_observations]))
    parts.append(_listed("Observations that are gone", [f"{labels.get(m, m)} {o}" for m, o in difference.removed_observations]))
    parts.append(_listed("New files", [product.path for product in difference.added]))
    parts.append(_listed("Files that are gone", [product.path for product in difference.removed]))
    parts.append(_listed("Files that changed", [_change(old, new) for old, new in difference.changed]))
    return "".join(parts)


def _change(old: VersionProduct, new: VersionProduct) -> str:
    facts = []
    for name, unit in (("n_events", "events"), ("ontime_s", "s good time"), ("counts", "counts")):
        before, after = old.facts.get(name), new.facts.get(name)
        if isinstance(before, int | float) and isinstance(after, int | float) and before != after:
            facts.append(f"{before:,.0f} → {after:,.0f} {unit}".replace(",", "\u202f"))
    return f"{new.path}{': ' + ', '.join(facts) if facts else ''}"


def _listed(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    shown = "<br>".join(html.escape(line) for line in lines[:_MOST_LISTED])
    more = f"<br>… and {count_text(len(lines) - _MOST_LISTED)} more" if len(lines) > _MOST_LISTED else ""
    return f"<h4>{title} ({count_text(len(lines))})</h4><p>{shown}{more}</p>"
