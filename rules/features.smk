# Stateless, causal features: one job per (bars, feature settings).


rule build_features:
    input:
        bars=upstream_of("features", "bars", "bars.parquet"),
        funding=fetched_for_features("funding.parquet"),
        onchain_daily=fetched_for_features("onchain_daily.parquet"),
    output:
        features=f"{STORE}/features/{{id}}/features.parquet",
        meta=f"{STORE}/features/{{id}}/meta.json",
        spec=f"{STORE}/features/{{id}}/spec.json",
    log:
        "results/logs/features/{id}.log",
    benchmark:
        "results/benchmarks/features/{id}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec_of("features"),
        code=code_of("build_features"),
    message:
        "Building features {wildcards.id}"
    script:
        "../scripts/build_features.py"
