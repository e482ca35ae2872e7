# Triple-barrier labels and weights: one job per (bars, label settings).


rule build_labels:
    input:
        bars=upstream_of("labels", "bars", "bars.parquet"),
    output:
        labels=f"{STORE}/labels/{{id}}/labels.parquet",
        stats=f"{STORE}/labels/{{id}}/stats.json",
        spec=f"{STORE}/labels/{{id}}/spec.json",
    log:
        "results/logs/labels/{id}.log",
    benchmark:
        "results/benchmarks/labels/{id}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec_of("labels"),
        code=code_of("build_labels"),
    message:
        "Building labels {wildcards.id}"
    script:
        "../scripts/build_labels.py"
