"""The answer in plain words, before any table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ethpredict.report.artefacts import Artefacts
from ethpredict.report.board import locked_means
from ethpredict.report.series import BASELINE_NAMES, PARTS
from ethpredict.report.text import as_float, is_missing, number, setting, short_keys, signed

SIGNIFICANT = 2.0
LIKELY_SKILL = 0.95
EVEN = 0.5
RARE = 0.1
SPACE = "\u00a0"


@dataclass(frozen=True)
class Card:
    """One figure of the headline.

    Attributes
    ----------
    label : str
        What it is.
    value : str
        The figure.
    note : str
        Error, span or reason.
    tone : str
        ``good``, ``bad`` or ``plain``; never the only sign of the meaning.
    """

    label: str
    value: str
    note: str
    tone: str = "plain"


def _tone(value: float, error: float) -> str:
    """Good or bad only where the figure is more than two errors away from 0."""
    if not abs(value) > SIGNIFICANT * error:
        return "plain"
    return "good" if value > 0 else "bad"


def _row(found: Artefacts, trial_id: str) -> dict[str, Any] | None:
    """Row of the trial table."""
    if found.trials is None:
        return None
    rows = found.trials[found.trials["trial_id"] == trial_id]
    return rows.iloc[0].to_dict() if len(rows) else None


def _choice(found: Artefacts) -> list[tuple[str, str]]:
    """Axis values of the best trial."""
    keys = [axis["key"] for axis in found.plan.get("axes", [])]
    heads = short_keys(keys)
    settings = found.best["settings"] if found.best else {}
    return [(heads[key], setting(settings[key])) for key in keys if key in settings]


def _verdict(ratio: float, overfitting: float) -> tuple[str, str, str]:
    """Word, meaning and tone for the two figures of one venue; nan overfitting does not count."""
    chosen_well = not overfitting >= EVEN
    if ratio >= LIKELY_SKILL and chosen_well:
        text = "The gain is steadier than that of the luckiest of as many worthless settings"
        return "Unlikely", text, "good"
    if ratio >= LIKELY_SKILL:
        text = "The gain is steady, but which setting wins changes from one half of the days to "
        return "Perhaps", text + "the other: do not trust this one above its rivals", "plain"
    if ratio >= EVEN and chosen_well:
        return "Perhaps", "The gain is not clearly steadier than luck would make it", "plain"
    if overfitting <= RARE:
        text = "The best settings stay ahead from one half of the days to the other, but the gain "
        return "Perhaps", text + "is no steadier than that of a lucky one of so many", "plain"
    return "Quite possibly", "The luckiest of as many worthless settings would look as good", "bad"


def _pooled(board: dict[str, Any], row: dict[str, Any]) -> str:
    """The same figures over all venues and markets, where there are several."""
    if int(board.get("n_markets", 1)) < 2:
        return ""
    chance = number((board.get("pbo_pooled") or {}).get("value"), "share")
    return f" All venues and markets pooled: {number(row.get('dsr'), 'ratio')} and {chance}."


def luck(found: Artefacts, row: dict[str, Any]) -> Card:
    """Judge whether the best result is more than the luck of the search.

    Parameters
    ----------
    found : Artefacts
        The study.
    row : dict
        Row of the best trial.

    Returns
    -------
    Card
        A word, what it means, and the figures behind it. Both are those of the trial's own
        venue and market: pooling settings that lose for another reason (another venue) inflates
        the variance that the deflated Sharpe ratio allows for luck, and makes a stable choice
        look easy.
    """
    board = found.leaderboard or {}
    ever = number(board.get("n_trials_ever"), "count")
    chance = board.get("pbo") or {}
    overfit = (
        f"probability of overfitting {number(chance['value'], 'share')}"
        if not is_missing(chance.get("value"))
        else f"probability of overfitting not available: {chance.get('reason', 'no daily results')}"
    )
    value = as_float(row.get("dsr_venue"))
    if is_missing(value):
        days = int(row["n_days"]) if not is_missing(row.get("n_days")) else 0
        reason = "the Sharpe ratio is undefined"
        if days < 30:
            reason = f"only {days} days; 30 are needed"
        elif not is_missing(row.get("dsr")):
            reason = "it has no rival on its venue to compare with"
        return Card("Is it luck?", "Not known", f"Deflated Sharpe ratio: {reason}; {overfit}.")
    word, meaning, tone = _verdict(value, as_float(chance.get("value")))
    if as_float(row.get("pnl_1k")) <= 0:
        word, meaning, tone = "No gain", "There is nothing that luck could explain", "plain"
    figures = f"Deflated Sharpe ratio {number(value, 'ratio')} over {ever} trials; {overfit}"
    own = " (both within its venue and market)" if _pooled(board, row) else ""
    return Card("Is it luck?", word, f"{meaning}. {figures}{own}.{_pooled(board, row)}", tone)


def _locked(found: Artefacts) -> Card:
    """Locked result of the chosen trial."""
    trial_id = found.best["id"] if found.best else ""
    value = locked_means(found).get(trial_id)
    if is_missing(value) or found.locked is None:
        return Card("Locked test", "not revealed", "No result on the locked days yet.")
    reveal = found.reveal or {}
    count = int(reveal.get("count", 1))
    times = "once" if count == 1 else f"{count} times"
    if trial_id in reveal.get("contaminated", []):
        note = f"Contaminated: this trial came after the first of {count} reveals."
        return Card("Locked test", signed(value), note, "bad")
    rows = found.locked[found.locked["trial_id"] == trial_id]
    days = number(rows["days"].mean(), "days")
    note = f"USD a day on {days} days that no choice has seen; revealed {times}."
    return Card("Locked test", signed(value), note)


def _baseline(row: dict[str, Any], found: Artefacts) -> Card:
    """No-signal baseline at the best trial's settings beside it."""
    partner = _row(found, str(row.get("no_signal_trial") or ""))
    if partner is None or is_missing(partner.get("pnl_1k")):
        return Card("Without the signal", "n/a", "No baseline at equal settings has a result.")
    gap, error = as_float(row.get("vs_no_signal")), as_float(row.get("vs_no_signal_se"))
    difference = f"{signed(gap)}{SPACE}±{SPACE}{number(error, 'pnl_1k')}"
    note = (
        f"USD a day for {partner['name']}, at equal settings but without a forecast; day by day "
        f"the best trial differs by {difference}"
    )
    clear = abs(gap) > SIGNIFICANT * error
    note += "." if clear else ", within two standard errors of nothing."
    return Card("Without the signal", signed(partner["pnl_1k"]), note)


def _rest(found: Artefacts, row: dict[str, Any]) -> str:
    """Second sentence: the baseline without the signal, and the locked test."""
    parts = []
    partner = _row(found, str(row.get("no_signal_trial") or ""))
    if partner is not None and not is_missing(partner.get("pnl_1k")):
        parts.append(
            f"without the signal, at equal settings, it makes {number(partner['pnl_1k'], 'pnl_1k')}"
        )
    locked = locked_means(found).get(row["trial_id"])
    if not is_missing(locked):
        parts.append(f"on the locked test {row['name']} made {number(locked, 'pnl_1k')}")
    text = "; ".join(parts)
    return f" {text[0].upper()}{text[1:]}." if text else ""


def _validation(row: dict[str, Any], value: float, error: float) -> Card:
    """Result of the best trial on validation with both errors."""
    seeds = as_float(row.get("pnl_1k_se"))
    both = f"±{SPACE}{number(error, 'pnl_1k')} over days"
    if not is_missing(seeds):
        both += f", ±{SPACE}{number(seeds, 'pnl_1k')} over {number(row['n_replicates'])} seeds"
    note = f"{both}. USD a day per 1,000 USD at risk, {number(row.get('days'), 'days')} days."
    return Card("Best on validation", signed(value), note, _tone(value, error))


def _remarks(found: Artefacts, row: dict[str, Any]) -> list[str]:
    """Baselines that did better, and a result that is mostly the market's direction."""
    value, remarks = as_float(row["pnl_1k"]), []
    if value <= 0:
        remarks.append("No setting made money on validation.")
    better = []
    for trial in found.baselines:
        other = _row(found, trial["id"])
        if other is not None and as_float(other.get("pnl_1k")) > value:
            kind = BASELINE_NAMES.get(trial["baseline"], trial["baseline"])
            better.append(f"{kind} {number(other['pnl_1k'], 'pnl_1k')}")
    if better:
        remarks.append(f"Baselines at equal settings that did better: {', '.join(better)}.")
    parts = {key: as_float(row.get(key)) for key in PARTS}
    size = sum(abs(part) for part in parts.values() if not is_missing(part))
    held = parts["pnl_inventory"]
    if size > 0 and not is_missing(held) and abs(held) > EVEN * size:
        remarks.append(
            f"Most of its P&L comes from holding inventory while the price moved "
            f"({signed(held, 'usd')} USD), not from the spread."
        )
    return remarks


def headline(found: Artefacts) -> dict[str, Any]:
    """Sentence, cards and choice for the top of the page.

    Parameters
    ----------
    found : Artefacts
        The study.

    Returns
    -------
    dict
        sentence (str), remarks (list of str: what speaks against the result), cards (list of
        Card), choice (list of (axis, value)), name.
    """
    row = _row(found, found.best["id"]) if found.best else None
    if row is None:
        states = (found.leaderboard or {}).get("counts", {})
        known = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        sentence = "No trial has a complete result on validation yet."
        return {
            "sentence": f"{sentence} Trials: {known}." if known else sentence,
            "remarks": [],
            "cards": [],
            "choice": [],
            "name": "",
        }
    value, error = as_float(row["pnl_1k"]), as_float(row.get("pnl_1k_day_se"))
    verb = "earns" if value > 0 else "loses" if value < 0 else "makes"
    ranked = number((found.leaderboard or {}).get("n_ranked"), "count")
    sentence = (
        f"The best of {ranked} settings on validation, {row['name']}, {verb} "
        f"{number(abs(value), 'pnl_1k')} USD a day per 1,000 USD at risk "
        f"(±{SPACE}{number(error, 'pnl_1k')} over days)."
    )
    return {
        "sentence": sentence + _rest(found, row),
        "remarks": _remarks(found, row),
        "cards": [
            _validation(row, value, error),
            _baseline(row, found),
            _locked(found),
            luck(found, row),
        ],
        "choice": _choice(found),
        "name": row["name"],
    }
