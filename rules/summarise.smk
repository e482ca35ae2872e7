# The study's tables: every trial, the best ones in detail, the locked test.


rule summarise_study:
    input:
        metrics=study_files("simulate", "metrics.parquet"),
        equity=study_files("simulate", "equity.parquet"),
        daily=study_files("simulate", "daily.parquet"),
        scores=study_files("train", "scores.parquet"),
        statuses=study_files("train", "status.parquet"),
        tips=study_files("fetch", "tips.parquet"),
    output:
        trials=report(
            f"{STUDY}/trials.parquet",
            caption="captions/trials.rst",
            category="Trials",
        ),
        board=f"{STUDY}/board.json",
        top=f"{STUDY}/top.json",
    log:
        f"results/logs/summarise/{PLAN.study}.log",
    benchmark:
        f"results/benchmarks/summarise/{PLAN.study}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        plan=f"{STUDY}/plan.json",
        digest=digest(views.summary_view(PLAN)),
        code=code_of("summarise_study"),
    message:
        "Summarising study"
    script:
        "../scripts/summarise_study.py"


rule simulate_top:
    input:
        top=f"{STUDY}/top.json",
        trials=f"{STUDY}/trials.parquet",
        bars=study_files("bars", "bars.parquet"),
        blocks=study_files("fetch", "blocks.parquet"),
        board=f"{STUDY}/board.json",
        tips=study_files("fetch", "tips.parquet"),
        trades=study_files("fetch", "trades.parquet"),
        funding=study_files("fetch", "funding.parquet"),
        book=study_files("fetch", "book.parquet"),
        pool=study_files("fetch", "pool_events.parquet"),
        paths=study_files("quote", "paths.parquet"),
    output:
        paths=f"{STUDY}/top/paths.parquet",
        locked=f"{STUDY}/top/locked.parquet",
        equity=f"{STUDY}/top/locked_equity.parquet",
        fidelity=f"{STUDY}/top/fidelity.parquet",
        leaderboard=report(
            f"{STUDY}/leaderboard.json",
            caption="captions/leaderboard.rst",
            category="Trials",
        ),
        reveal=f"{STUDY}/top/reveal.json",
    log:
        f"results/logs/top/{PLAN.study}.log",
    benchmark:
        f"results/benchmarks/top/{PLAN.study}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        plan=f"{STUDY}/plan.json",
        digest=digest(views.top_view(PLAN)),
        code=code_of("simulate_top"),
    message:
        "Simulating the best trials in detail, and on the locked test"
    script:
        "../scripts/simulate_top.py"
