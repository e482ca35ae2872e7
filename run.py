"""Command line over Snakemake: every command prints the plain command that it runs.

    python run.py run    --config config/config.yaml --cores 2
    python run.py grid   --config config/examples/eth_1h_real.yaml
    python run.py resume --retry-failed
    python run.py report --partial

Nothing happens here that the printed command would not do; arguments after
``--`` go to Snakemake as they are. The one addition is the clock: a study may
be named after ``{{ timestamp }}``, which is read once, here, and handed down
in the environment.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ethpredict.config.load import load
from ethpredict.errors import ConfigError

ROOT = Path(__file__).resolve().parent
DEFAULT = Path("config/config.yaml")
CLOCK = "ETHPREDICT_TIMESTAMP"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Command line over Snakemake; every command prints the plain command that it runs.",
)

ConfigOption = Annotated[Path | None, typer.Option("--config", help=f"YAML file [{DEFAULT}].")]
CoresOption = Annotated[int | None, typer.Option(min=1, help="Cores to use [all].")]
GpuOption = Annotated[int | None, typer.Option(min=0, help="Jobs with a GPU at a time.")]
ProfileOption = Annotated[str | None, typer.Option(help="Folder below profiles/, or a path.")]
ClockOption = Annotated[
    str | None, typer.Option("--timestamp", help="Value of {{ timestamp }}; now when missing.")
]
DryOption = Annotated[bool, typer.Option("--dry-run", "-n", help="Show the jobs, run nothing.")]
ExtraArgument = Annotated[
    list[str] | None, typer.Argument(help="After --: handed to Snakemake as they are.")
]


@app.command()
def run(
    config: ConfigOption = None,
    cores: CoresOption = None,
    gpu: GpuOption = None,
    profile: ProfileOption = None,
    timestamp: ClockOption = None,
    dry_run: DryOption = False,
    extra: ExtraArgument = None,
) -> None:
    """Run the study as its YAML says, from the data to the report."""
    options = _options(config, cores, gpu, profile, dry_run)
    _execute(options, [], extra, config, timestamp or _now())


@app.command()
def grid(
    config: ConfigOption = None,
    cores: CoresOption = None,
    gpu: GpuOption = None,
    profile: ProfileOption = None,
    timestamp: ClockOption = None,
    dry_run: DryOption = False,
    extra: ExtraArgument = None,
) -> None:
    """Run every combination of the axes, whatever sweep.mode the YAML names."""
    options = _options(config, cores, gpu, profile, dry_run)
    _execute(options, ["sweep={mode: grid}"], extra, config, timestamp or _now())


@app.command()
def resume(
    config: ConfigOption = None,
    cores: CoresOption = None,
    gpu: GpuOption = None,
    profile: ProfileOption = None,
    timestamp: ClockOption = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try trials again that ended as failed.")
    ] = False,
    dry_run: DryOption = False,
    extra: ExtraArgument = None,
) -> None:
    """Go on after an interruption: half-made outputs are made again, whole ones stay."""
    options = ["--rerun-incomplete", *_options(config, cores, gpu, profile, dry_run)]
    overrides = ["retry_failed=true"] if retry_failed else []
    _execute(options, overrides, extra, config, timestamp or _earlier(config))


@app.command()
def report(
    config: ConfigOption = None,
    cores: CoresOption = None,
    profile: ProfileOption = None,
    timestamp: ClockOption = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Only from the trials that have finished.")
    ] = False,
    dry_run: DryOption = False,
    extra: ExtraArgument = None,
) -> None:
    """Render the HTML report; without --partial, what is missing is computed first."""
    options = _options(config, cores, None, profile, dry_run)
    target = "partial_report" if partial else "report"
    _execute(options, [], [target, *(extra or [])], config, timestamp or _earlier(config))


def _options(
    config: Path | None, cores: int | None, gpu: int | None, profile: str | None, dry_run: bool
) -> list[str]:
    """Snakemake's options for ours; what is not given is left to the profile."""
    options: list[str] = []
    if config is not None:
        options += ["--configfile", os.path.relpath(_existing(config), ROOT)]
    if cores is not None:
        options += ["--cores", str(cores)]
    if gpu is not None:
        options += ["--resources", f"gpu={gpu}"]
    if profile is not None:
        options += ["--workflow-profile", _profile(profile)]
    return [*options, "--dry-run"] if dry_run else options


def _existing(config: Path) -> Path:
    if not config.is_file():
        raise typer.BadParameter(f"{config} is not a file.", param_hint="--config")
    return config.resolve()


def _profile(name: str) -> str:
    """Folder of a profile, named or given as a path."""
    for folder in (ROOT / "profiles" / name, Path(name).resolve()):
        if (folder / "config.yaml").is_file():
            return os.path.relpath(folder, ROOT)
    known = ", ".join(sorted(path.parent.name for path in ROOT.glob("profiles/*/config.yaml")))
    raise typer.BadParameter(
        f"{name} is no folder with a config.yaml; known: {known}.", param_hint="--profile"
    )


def _now() -> str:
    """Value of ``{{ timestamp }}`` for a new run, UTC."""
    return os.environ.get(CLOCK) or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")


def _names_clock(config: Path | None) -> bool:
    """Whether a YAML uses ``{{ timestamp }}`` outside its comments."""
    path = ROOT / DEFAULT if config is None else _existing(config)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return re.search(r"{{\s*timestamp\b", re.sub(r"(?m)(^|\s)#.*", "", text)) is not None


def _earlier(config: Path | None) -> str:
    """Value of ``{{ timestamp }}`` of a run that is gone on with: it cannot be now."""
    if CLOCK not in os.environ and _names_clock(config):
        raise typer.BadParameter(
            "this study is named after the clock: give the time in its folder's name "
            "(ls results), for example --timestamp 20260131-120000.",
            param_hint="--timestamp",
        )
    return _now()


def _check(config: Path | None, timestamp: str) -> None:
    """Name what is wrong with the YAML before Snakemake reads it with less to say."""
    try:
        load(
            [ROOT / DEFAULT if config is None else _existing(config)],
            env={**os.environ, CLOCK: timestamp},
        )
    except ConfigError as error:
        typer.echo(f"ConfigError: {error}", err=True)
        raise typer.Exit(2) from error


def _execute(
    options: list[str],
    overrides: list[str],
    extra: list[str] | None,
    config: Path | None,
    timestamp: str,
) -> None:
    """Print the plain command, then become it.

    Extra arguments stand first: the options after them take lists and would
    swallow a target. Snakemake keeps only the last ``--config``, so an
    override joins one that was given.
    """
    _check(config, timestamp)
    arguments = [*(extra or [])]
    if overrides:
        at = next((arguments.index(flag) for flag in ("--config", "-C") if flag in arguments), None)
        if at is None:
            options = [*options, "--config", *overrides]
        else:
            arguments[at + 1 : at + 1] = overrides
    arguments += options
    clock = f"{CLOCK}={timestamp} " if _names_clock(config) else ""
    typer.echo(f"$ {clock}{shlex.join(['snakemake', *arguments])}")
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execve(
        sys.executable,
        [sys.executable, "-m", "snakemake", *arguments],
        {**os.environ, CLOCK: timestamp},
    )


if __name__ == "__main__":
    app()
