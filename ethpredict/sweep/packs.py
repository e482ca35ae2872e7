"""Packs: many cheap members as rows of one job, so that imports and loads are paid once.

A pack never mixes row arrays: its members share what the group key names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ethpredict.sweep.ids import digest
from ethpredict.sweep.trials import Spec


def group_key(stage: str, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """What the members of one pack share.

    Parameters
    ----------
    stage : {"train", "quote", "simulate"}
    spec : Mapping
        A member's specification.

    Returns
    -------
    tuple of str
    """
    up, settings = spec["upstream"], spec["settings"]
    if stage == "train":
        return up["features"], up["labels"], settings["model"]["level0"]["algo"]
    if stage == "quote":
        return (up["bars"],)
    return up["bars"], settings["sim"]["venue"], settings["sim"].get("fidelity", "bars")


def cut(
    stage: str, members: Iterable[Spec], most: int, attempts: Mapping[str, int]
) -> dict[str, list[Spec]]:
    """Cut members into packs of nearly equal size.

    Parameters
    ----------
    stage : {"train", "quote", "simulate"}
    members : iterable of dict
        Specifications of members that are in no pack yet.
    most : int
        Largest pack, >= 1.
    attempts : Mapping
        Member id to the number of earlier packs that held it; a retry gets
        another pack id.

    Returns
    -------
    dict
        Pack id to its members, sorted so that neighbours share their inputs.
    """
    groups: dict[tuple[str, ...], list[Spec]] = {}
    for member in members:
        groups.setdefault(group_key(stage, member), []).append(member)
    packs: dict[str, list[Spec]] = {}
    for key in sorted(groups):
        group = sorted(groups[key], key=lambda m: (m["upstream"].get("quote", ""), m["id"]))
        count = math.ceil(len(group) / most)
        for i in range(count):
            chunk = group[i * len(group) // count : (i + 1) * len(group) // count]
            name = [(m["id"], attempts.get(m["id"], 0)) for m in chunk]
            packs[digest({"pack": stage, "members": name})] = chunk
    return packs
