# Bars from candles or trades: one job per (data, bar settings).


rule build_bars:
    input:
        candles=upstream_of("bars", "fetch", "candles.parquet"),
        trades=upstream_of("bars", "fetch", "trades.parquet"),
        quality=upstream_of("bars", "fetch", "quality.json"),
    output:
        bars=f"{STORE}/bars/{{id}}/bars.parquet",
        gaps=f"{STORE}/bars/{{id}}/gaps.parquet",
        quality=f"{STORE}/bars/{{id}}/quality.json",
        spec=f"{STORE}/bars/{{id}}/spec.json",
    log:
        "results/logs/bars/{id}.log",
    benchmark:
        "results/benchmarks/bars/{id}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec_of("bars"),
        code=code_of("build_bars"),
    message:
        "Building bars {wildcards.id}"
    script:
        "../scripts/build_bars.py"
