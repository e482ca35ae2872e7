# The plan, look-ups in it, and what every rule shares. Input functions never read files.

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from ethpredict import provenance
from ethpredict.errors import EthPredictError
from ethpredict.gpu import visible_gpus
from ethpredict.sweep import start, views
from ethpredict.sweep.ids import canonical_json, digest

start.import_from(workflow.basedir)

RESULTS = Path("results")
STORE = "results/store"
SYNTAX = Path(".snakemake/ethpredict-syntax.json")
GPU_ALGOS = {"xgboost", "lstm", "gru"}
RUN_STAGES = {"fetch", "bars", "train", "quote", "simulate"}


provenance.remember(SYNTAX)


def load_plan():
    """The plan: made here in the main process, read frozen by its children."""
    cli = dict(workflow.config_settings.config)
    try:
        if not workflow.is_main_process:
            return start.read_frozen(cli), None
        files = workflow.overwrite_configfiles or [
            Path(workflow.basedir) / "config" / "config.yaml"
        ]
        draft = start.draft(files, cli, RESULTS)
        workflow.config_settings.config_args = [
            *workflow.config_settings.config_args,
            start.child_argument(draft.plan),
        ]
        return draft.plan, draft
    except EthPredictError as error:
        raise WorkflowError(f"{type(error).__name__}: {error}")


PLAN, DRAFT = load_plan()
STUDY = f"results/{PLAN.study}"
LEASE = []
CONTENT = {
    path: provenance.file_digest(path)
    for spec in PLAN.specs["fetch"].values()
    for path in start.local_files(spec)
}


def start_run():
    """Lock the study, extend its ledger, freeze the plan, cap the GPUs."""
    if DRAFT is None:
        return
    frozen = Path(STUDY) / "plan.json"
    if set(workflow.dag_settings.targets) == {"partial_report"} and frozen.exists():
        return  # it only reads, also while the study runs
    if PLAN.settings["device"] == "cuda" and workflow.local_exec and not visible_gpus():
        raise WorkflowError(
            "ConfigError: device = 'cuda': must be auto or cpu on a machine that shows no GPU."
        )
    try:
        LEASE.append(start.begin(DRAFT, RESULTS))
    except EthPredictError as error:
        raise WorkflowError(f"{type(error).__name__}: {error}")
    if workflow.local_exec and "gpu" not in workflow.global_resources:
        # Without a cap Snakemake would start every GPU job at once.
        cap = max(1, len(visible_gpus()))
        workflow.scheduler.global_resources["gpu"] = cap
        workflow.scheduler.resources["gpu"] = cap


def code_of(script, *assets):
    """Digest of a script's code, so that an edit in the package reruns what it touches."""
    return provenance.code_digest(f"scripts/{script}.py", assets)


def known(stage, wildcards):
    """The id of a job, which must be in the plan."""
    book = PLAN.packs.get(stage) or PLAN.specs[stage]
    if wildcards.id not in book:
        raise WorkflowError(f"{stage} {wildcards.id} is not part of study {PLAN.study}")
    return wildcards.id


def spec_of(stage):
    """Look-up of what one job of a stage reads."""

    def spec(wildcards):
        return PLAN.spec(stage, known(stage, wildcards))

    return spec


def upstream_of(stage, parent, name):
    """Look-up of one file of a single artefact's parent."""

    def path(wildcards):
        return f"{STORE}/{parent}/{PLAN.specs[stage][known(stage, wildcards)]['upstream'][parent]}/{name}"

    return path


def fetched_for_features(name):
    """Look-up of one fetched file of the market that a feature set's bars stand on."""

    def path(wildcards):
        bars = PLAN.specs["features"][known("features", wildcards)]["upstream"]["bars"]
        return f"{STORE}/fetch/{PLAN.specs['bars'][bars]['upstream']['fetch']}/{name}"

    return path


def first_upstream(stage, wildcards):
    """Upstream ids that all members of a pack share."""
    return PLAN.members(stage, known(stage, wildcards))[0]["upstream"]


def shared_by_pack(stage, parent, name):
    """Look-up of one file of the artefact that all members of a pack stand on."""

    def path(wildcards):
        return f"{STORE}/{parent}/{first_upstream(stage, wildcards)[parent]}/{name}"

    return path


def packs_upstream(stage, parent, name):
    """Look-up of one file in every pack that holds what a pack's members read."""

    def paths(wildcards):
        wanted = {
            m["upstream"][parent] for m in PLAN.members(stage, known(stage, wildcards))
        }
        return [
            f"{STORE}/{parent}/{pack}/{name}" for pack in PLAN.holders(parent, wanted)
        ]

    return paths


def study_files(stage, name):
    """One file of every artefact or pack that the study's trials use."""
    key = {"train": "model", "simulate": "id"}.get(stage, stage)
    ids = (
        {run[key] for run in PLAN.runs()} if stage in RUN_STAGES else PLAN.specs[stage]
    )
    found = PLAN.holders(stage, ids) if stage in PLAN.packs else sorted(ids)
    return [f"{STORE}/{stage}/{item}/{name}" for item in found]


def planned_files():
    """Every table that a report may show, by the name that the report knows it by."""
    tables = {
        "metrics": ("simulate", "metrics.parquet"),
        "equity": ("simulate", "equity.parquet"),
        "daily": ("simulate", "daily.parquet"),
        "scores": ("train", "scores.parquet"),
        "curves": ("train", "curves.parquet"),
        "calibration": ("quote", "calibration.parquet"),
        "quotes": ("quote", "status.parquet"),
        "tips": ("fetch", "tips.parquet"),
        "quality": ("fetch", "quality.json"),
        "bar_quality": ("bars", "quality.json"),
        "meta": ("features", "meta.json"),
        "label_stats": ("labels", "stats.json"),
    }
    return {key: study_files(stage, name) for key, (stage, name) in tables.items()}


def fetch_files(wildcards):
    """Local files that a source reads; none for the synthetic market."""
    return start.local_files(PLAN.specs["fetch"][known("fetch", wildcards)])


def fetch_pace(wildcards):
    """Patience towards remote sources: a resource, so that a change of it reruns nothing."""
    return canonical_json(PLAN.settings["http"])


def fetch_content(wildcards):
    """Digests of those files, since Snakemake alone sees times only."""
    return [CONTENT[path] for path in fetch_files(wildcards)]


def train_bars(wildcards):
    """Bars that a pack's features and labels stand on."""
    features = first_upstream("train", wildcards)["features"]
    return f"{STORE}/bars/{PLAN.specs['features'][features]['upstream']['bars']}/bars.parquet"


def train_gpus(wildcards):
    """One GPU for an algorithm that can use it, if the study asks for it or one is here."""
    algo = PLAN.members("train", wildcards.id)[0]["settings"]["model"]["level0"]["algo"]
    device = PLAN.settings["device"]
    wants = device == "cuda" or (device == "auto" and bool(visible_gpus()))
    return int(algo in GPU_ALGOS and wants)


def market_table(stage, name):
    """Look-up of one table of the market that a pack's bars stand on."""

    def path(wildcards):
        bars = first_upstream(stage, wildcards)["bars"]
        fetch = PLAN.specs["bars"][bars]["upstream"]["fetch"]
        return f"{STORE}/fetch/{fetch}/{name}.parquet"

    return path


def simulate_events(wildcards):
    """Tables of the market that a pack reads besides its bars.

    On the book at fidelity bars funding alone, on a pool its events if they drive it.
    """
    members = PLAN.members("simulate", known("simulate", wildcards))
    member = members[0]
    level = member["settings"]["sim"].get("fidelity", "bars")
    fetch = PLAN.specs["bars"][member["upstream"]["bars"]]["upstream"]["fetch"]
    flows = {m["settings"]["sim"].get("amm", {}).get("flow") for m in members}
    names = ["pool_events"] if "tape" in flows else []
    if member["settings"]["sim"]["venue"] != "amm":
        names += ["funding"] if level == "bars" else ["funding", "trades", "book"]
    return [f"{STORE}/fetch/{fetch}/{name}.parquet" for name in names]


wildcard_constraints:
    id="[0-9a-f]{16}",
