"""One self-contained HTML page from the artefacts of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from ethpredict.report.artefacts import Artefacts
from ethpredict.report.board import leaderboard, parts_table, risk_table
from ethpredict.report.bracket import bracket_table
from ethpredict.report.calibrations import closed_form_table, fit_list, fit_table
from ethpredict.report.evidence import (
    provenance_parts,
    quality_tables,
    run_time_table,
    score_tables,
)
from ethpredict.report.fills import fidelity_part
from ethpredict.report.headline import headline
from ethpredict.report.hedges import hedge_table
from ethpredict.report.learning import learning_part
from ethpredict.report.pool import bribe_table, inclusion_part
from ethpredict.report.series import payload
from ethpredict.report.signal import signal_part
from ethpredict.report.skill import confidence_tables, importance_tables
from ethpredict.report.text import number, setting, utc_day

SCRIPTS = ("charts.js", "leaderboard.js")
HERE = Path(__file__).parent


def embed_json(value: Any) -> str:
    """JSON that is safe inside a script element: no ``<`` can end it.

    Examples
    --------
    >>> "<" in embed_json({"a": "</script>"})
    False
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character, code in (("<", "\\u003c"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        text = text.replace(character, code)
    return text


def _span(found: Artefacts, table: pd.DataFrame | None) -> str:
    """First and last UTC day of the best trial in an equity table."""
    if table is None or found.best is None:
        return ""
    rows = table[table["run_id"] == found.best["runs"][0]["id"]]
    return f"{utc_day(rows['ts'].min())} to {utc_day(rows['ts'].max())}" if len(rows) else ""


def _pieces(found: Artefacts, rows: int) -> dict[str, Any]:
    """Everything that the template shows."""
    signal, inclusion = signal_part(found, rows), inclusion_part(found)
    learning = learning_part(found)
    charts = payload(found) | {
        **({one["id"]: one["lines"] for one in learning["charts"]} if learning else {}),
        "chart-signal": signal["levels"] if signal else [],
        "chart-inclusion-a": inclusion["a"] if inclusion else [],
        "chart-inclusion-s": inclusion["s"] if inclusion else [],
    }
    best = found.best
    return {
        "title": found.plan.get("title") or found.plan["study"],
        "study": found.plan["study"],
        "tags": sorted((found.plan.get("tags") or {}).items()),
        "missing_parts": found.missing,
        "headline": headline(found),
        "board": leaderboard(found, rows),
        "summary": found.leaderboard or {},
        "reveal": found.reveal,
        "charts": {key: bool(value) for key, value in charts.items()},
        "effects": charts["effects"],
        "signal": signal,
        "fidelity": fidelity_part(found),
        "fits": fit_table(found),
        "fit_list": fit_list(found),
        "closed_form": closed_form_table(found),
        "hedges": hedge_table(found),
        "bribes": bribe_table(found),
        "inclusion": inclusion,
        "parts": parts_table(found),
        "risk": risk_table(found),
        "bracket": bracket_table(found),
        "scores": score_tables(found) + confidence_tables(found) + importance_tables(found),
        "learning": learning,
        "quality": quality_tables(found),
        "config": yaml.safe_dump(found.plan.get("config", {}), sort_keys=False, allow_unicode=True),
        "best_settings": [(key, setting(best["settings"][key])) for key in sorted(best["settings"])]
        if best
        else [],
        "best": best,
        "on_pool": best is not None and best["settings"].get("sim.venue") == "amm",
        "provenance": provenance_parts(found),
        "run_times": run_time_table(found),
        "validation_span": _span(found, found.equity),
        "locked_span": _span(found, found.locked_equity),
        "payload": embed_json(charts),
    }


def build(found: Artefacts, rows: int = 200) -> str:
    """Make the report.

    Parameters
    ----------
    found : Artefacts
        The study, finished or not.
    rows : int
        Most ranked trials on the leaderboard.

    Returns
    -------
    str
        HTML with style and script inlined. It makes no request.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    template = environment.get_template("template.html.j2")
    style = (HERE / "report.css").read_text(encoding="utf-8")
    script = "".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return template.render(style=style, script=script, **_pieces(found, rows))
