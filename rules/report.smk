# The HTML report, of a finished study or of what is there so far.


rule render_report:
    input:
        trials=f"{STUDY}/trials.parquet",
        leaderboard=f"{STUDY}/leaderboard.json",
        top=f"{STUDY}/top.json",
        paths=f"{STUDY}/top/paths.parquet",
        locked=f"{STUDY}/top/locked.parquet",
        locked_equity=f"{STUDY}/top/locked_equity.parquet",
        reveal=f"{STUDY}/top/reveal.json",
        equity=study_files("simulate", "equity.parquet"),
        daily=study_files("simulate", "daily.parquet"),
        scores=study_files("train", "scores.parquet"),
        curves=study_files("train", "curves.parquet"),
        calibration=study_files("quote", "calibration.parquet"),
        quotes=study_files("quote", "status.parquet"),
        quality=study_files("fetch", "quality.json"),
        bar_quality=study_files("bars", "quality.json"),
        meta=study_files("features", "meta.json"),
        label_stats=study_files("labels", "stats.json"),
    output:
        html=report(
            f"{STUDY}/report/index.html",
            caption="captions/report.rst",
            category="Report",
        ),
        provenance=f"{STUDY}/provenance.json",
    log:
        f"results/logs/report/{PLAN.study}.log",
    benchmark:
        f"results/benchmarks/report/{PLAN.study}.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        plan=f"{STUDY}/plan.json",
        digest=PLAN.digest(),
        code=code_of("render_report", "ethpredict/report"),
    message:
        "Rendering the report"
    script:
        "../scripts/render_report.py"


rule report:
    input:
        f"{STUDY}/report/index.html",


# No output and no benchmark file, so that it runs whenever it is asked for.
rule partial_report:
    log:
        f"results/logs/report/{PLAN.study}-partial.log",
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        plan=f"{STUDY}/plan.json",
        digest=PLAN.digest(),
        files=planned_files(),
        html=f"{STUDY}/report/partial.html",
    message:
        "Rendering a report of what is there"
    script:
        "../scripts/render_partial.py"
