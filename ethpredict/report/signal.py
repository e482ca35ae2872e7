"""What the signal adds: results with and without the forecast at equal settings."""

from __future__ import annotations

from typing import Any

from ethpredict.report.artefacts import Artefacts, Document
from ethpredict.report.grid import PLUS_MINUS, Grid, Head, grid, with_error
from ethpredict.report.text import as_float, is_missing, number, setting, short_keys, signed
from ethpredict.stats.signal import CLEAR

VENUES = {"lob": "order book", "amm": "pool", "hybrid": "order book, hedged on a pool"}
GROUP = ("strategy", "venue", "fidelity", "alpha")
MANY_DAYS = 30
UNIT = "USD per 1,000 USD at risk and day"


def _clear(difference: float, error: float) -> bool:
    """Whether a difference is more than two standard errors from 0."""
    return abs(difference) > CLEAR * error


def _names(gains: list[Document]) -> list[str]:
    """Names of the groups; what all groups share is not repeated."""
    told = {key for key in GROUP if len({gain[key] for gain in gains}) > 1}
    if len({gain["fidelity"] for gain in gains if gain["venue"] == "lob"}) < 2:
        told.discard("fidelity")
    names = []
    for gain in gains:
        parts = [gain["strategy"]]
        if "venue" in told:
            parts.append(VENUES.get(gain["venue"], gain["venue"]))
        if "fidelity" in told and gain["venue"] == "lob":
            parts.append(f"fills from {gain['fidelity']}")
        if "alpha" in told:
            parts.append(gain["alpha"])
        names.append(", ".join(parts))
    return names


def _verdict(gain: Document) -> str:
    """Whether the difference is distinguishable from zero, in words."""
    if is_missing(gain["difference"]) or is_missing(gain["error"]):
        return "not known: fewer than two shared days"
    if gain["difference"] == 0.0 and gain["error"] == 0.0:
        return "none: the same on every day"
    if not _clear(gain["difference"], gain["error"]):
        return "not distinguishable from zero"
    return "better than without" if gain["difference"] > 0 else "worse than without"


def _few(gains: list[Document]) -> str:
    """Warning where the errors rest on few days."""
    least = min(gain["n_days"] for gain in gains)
    if least >= MANY_DAYS:
        return ""
    return f" With only {least} days the errors themselves are rough."


def _sentence(gains: list[Document]) -> str:
    """The answer over all groups."""
    verdicts = [_verdict(gain) for gain in gains]
    settings = sum(gain["n_settings"] for gain in gains)
    better, worse = (verdicts.count(f"{word} than without") for word in ("better", "worse"))
    rest = len(gains) - better - worse
    head = (
        f"{number(settings, 'count')} settings have a twin that differs in nothing but the "
        f"forecast, which is switched off. "
    )
    if len(gains) == 1:
        gap = with_error(signed(gains[0]["difference"]), number(gains[0]["error"], "pnl_1k"))
        return f"{head}Day by day the signal adds {gap} {UNIT}: {verdicts[0]}.{_few(gains)}"
    parts = [
        f"{count} of {len(gains)} groups {text}"
        for count, text in (
            (better, "it clearly helps"),
            (worse, "it clearly hurts"),
            (rest, "its effect is not distinguishable from zero"),
        )
        if count
    ]
    return f"{head}In {', in '.join(parts)}.{_few(gains)}"


def signal_part(found: Artefacts, limit: int) -> dict[str, Any] | None:
    """Everything of the section on the signal.

    Parameters
    ----------
    found : Artefacts
        The study.
    limit : int
        Most settings that are listed one by one.

    Returns
    -------
    dict or None
        sentence, groups (Grid), settings (Grid or None), n_settings, levels (chart); None where no
        setting has a baseline at equal settings.
    """
    gains = (found.leaderboard or {}).get("signal") or []
    if not gains:
        return None
    names = _names(gains)
    listed = _settings(found)
    return {
        "sentence": _sentence(gains),
        "groups": _groups(gains, names),
        "settings": _setting_grid(found, listed[:limit]) if listed else None,
        "n_settings": len(listed),
        "n_listed": min(limit, len(listed)),
        "levels": [
            {
                "value": name,
                "mean": gain["difference"],
                "error": None if is_missing(gain["error"]) else gain["error"],
                "n": gain["n_settings"],
                "hollow": not _clear(gain["difference"], as_float(gain["error"])),
            }
            for name, gain in zip(names, gains, strict=True)
            if not is_missing(gain["difference"])
        ],
    }


def _groups(gains: list[Document], names: list[str]) -> Grid:
    """One row per group."""
    heads = (
        Head("Strategy and venue", kind="text"),
        Head("Settings", "Settings with a no-signal twin that both completed"),
        Head("Days", "Validation days that all of them share"),
        Head("With signal", f"{UNIT}, ± Newey-West standard error over days"),
        Head("Without", f"{UNIT}, the twins with the forecast off"),
        Head("Difference", "Mean of the paired daily differences, ± standard error over days of "
             "their daily mean over settings"),
        Head("The signal is", kind="text"),
        Head("Better", "Settings whose own difference is above 0"),
        Head("Clear +/−", "Settings whose own difference is more than two of its standard errors "
             "above / below 0"),
    )  # fmt: skip
    rows = [
        (
            name,
            number(gain["n_settings"], "count"),
            number(gain["n_days"], "count"),
            _both(gain["with_signal"], gain["with_error"]),
            _both(gain["without"], gain["without_error"]),
            with_error(signed(gain["difference"]), number(gain["error"], "pnl_1k")),
            _verdict(gain),
            f"{gain['n_better']} of {gain['n_settings']}",
            f"{gain['n_clear_better']} / {gain['n_clear_worse']}",
        )
        for name, gain in zip(names, gains, strict=True)
    ]
    return grid(f"With and without the signal, {UNIT}", heads, rows)


def _both(value: float, error: float) -> str:
    return with_error(number(value, "pnl_1k"), number(error, "pnl_1k"))


def _settings(found: Artefacts) -> list[Document]:
    """Ranked trials with a paired difference, best first."""
    if found.trials is None or "vs_no_signal" not in found.trials:
        return []
    rows = found.trials[found.trials["rank"].notna() & found.trials["vs_no_signal"].notna()]
    using = {
        trial["id"]
        for trial in found.plan["trials"]
        if trial["settings"].get("quoting.alpha", "off") != "off"
    }
    return rows[rows["trial_id"].isin(using)].sort_values("rank").to_dict("records")


def _setting_grid(found: Artefacts, rows: list[Document]) -> Grid:
    """Each setting beside its own twin."""
    assert found.trials is not None
    keys = [name.removeprefix("axis:") for name in found.trials if name.startswith("axis:")]
    short = short_keys(keys)
    twins = found.trials.set_index("trial_id")
    heads = [Head("Trial", kind="text")]
    heads += [Head(short[key], key, "text") for key in keys]
    heads += [
        Head("With signal", UNIT),
        Head("Without", UNIT),
        Head("Difference", "Mean paired daily difference ± its Newey-West standard error"),
        Head("Errors", "Difference over its standard error"),
    ]
    cells = []
    for row in rows:
        gap, error = as_float(row["vs_no_signal"]), as_float(row["vs_no_signal_se"])
        cells.append(
            [
                row["name"],
                *(setting(row[f"axis:{key}"]) for key in keys),
                number(row["pnl_1k"], "pnl_1k"),
                number(twins.at[row["no_signal_trial"], "pnl_1k"], "pnl_1k"),
                f"{signed(gap)}{PLUS_MINUS}{number(error, 'pnl_1k')}",
                signed(gap / error, "ratio") if error > 0 else "n/a",
            ]
        )
    return grid("Each setting beside its twin without the signal", heads, cells)
