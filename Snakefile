"""One YAML in, one HTML report out: config, plan, stages, targets."""

from snakemake.utils import min_version

min_version("9.20")


include: "rules/common.smk"
include: "rules/fetch.smk"
include: "rules/bars.smk"
include: "rules/features.smk"
include: "rules/labels.smk"
include: "rules/train.smk"
include: "rules/quote.smk"
include: "rules/simulate.smk"
include: "rules/summarise.smk"
include: "rules/report.smk"


provenance.keep(SYNTAX)


localrules:
    all,
    report,
    partial_report,


onstart:
    start_run()


rule all:
    default_target: True
    input:
        f"{STUDY}/report/index.html",
