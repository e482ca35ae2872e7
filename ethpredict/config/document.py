"""Reference of every setting, written from the schema.

``python -m ethpredict.config.document > docs/configuration.md`` renews the
page; a test and ``make lint`` fail while it is out of step.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ethpredict.config.schema import Leaf, leaves, tree

INTRODUCTION = """\
# Configuration

<!-- Written by `make docs` from config/schema.yaml: change the schema, not this page. -->

One YAML describes a study. Every setting has a default, so a study names only what differs;
`config/config.yaml` shows all of them. A mistyped key, a wrong type or a value out of range is
refused before any job starts, with the key, the value, the legal range and the nearest valid key.

    snakemake --configfile config/examples/eth_1h_real.yaml

**Axes.** A setting may be given several values, which makes trials: a list `[0.005, 0.01]` or a
range `{low: 0.001, high: 0.1, log: true}` (a grid needs a `step`). A setting that is a list itself
takes `{grid: [[6, 24], [12, 48]]}`. Settings marked *no axis* take one value.

**Environment and templates.** `${NAME}`, `${NAME:-default}`, `{{ env.NAME }}`, `{{ git_sha }}` and
`{{ timestamp }}` are filled in first. A name that is not defined is an error. `{{ timestamp }}` and
`{{ git_sha }}` change from run to run, so they may only name a study, its title or a tag, and
`{{ timestamp }}` only under `run.py`, which reads the clock once. Text that YAML would read as
something else needs quotes: `name: "study-{{ timestamp }}"`.

**Column "Enters"** names the first stage whose id the setting is part of: changing it makes that
stage and those after it run again, and nothing before it. *study* settings are in no id.
A setting that does not count ("only with …") leaves the id, so no trial appears twice.
"""

HEADER = ("| Setting | Legal values | Default | Enters | Meaning |", "|---|---|---|---|---|")


def reference() -> str:
    """Text of ``docs/configuration.md``.

    Returns
    -------
    str
        Markdown: an introduction, then one table for each section of the schema.
    """
    return INTRODUCTION + "".join(_sections(tree(), "", 2))


def _sections(node: Mapping[str, Any], path: str, level: int) -> Iterator[str]:
    """Tables of a schema section and of those below it, in the schema's order."""
    nested = {name: rule for name, rule in node["properties"].items() if "properties" in rule}
    own = [f"{path}.{name}" if path else name for name in node["properties"] if name not in nested]
    if own:
        rows = (_row(leaves()[key]) for key in own)
        yield "\n" + "\n".join([*HEADER, *rows]) + "\n"
    for name, rule in nested.items():
        key = f"{path}.{name}" if path else name
        yield f"\n{'#' * level} {key}\n\n{rule['description']}\n"
        yield from _sections(rule, key, level + 1)


def _row(leaf: Leaf) -> str:
    cells = (
        f"`{leaf.key}`",
        leaf.legal,
        f"`{json.dumps(leaf.default, ensure_ascii=False)}`",
        leaf.stage,
        " ".join(_meaning(leaf)),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _meaning(leaf: Leaf) -> Iterator[str]:
    """Description, unit, and when the setting counts."""
    yield leaf.rule["description"]
    if "x-unit" in leaf.rule:
        yield f"Unit: {leaf.rule['x-unit']}."
    for word, rules in (("Only", leaf.applies), ("Not", leaf.unless)):
        conditions = (f"`{key}` {' or '.join(str(v) for v in values)}" for key, values in rules)
        if rules:
            yield f"{word} with {' and '.join(conditions)}."
    if not leaf.axis and leaf.stage != "study":
        yield "*No axis.*"


if __name__ == "__main__":
    sys.stdout.write(reference())
