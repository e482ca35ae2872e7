# Simulations: one job per pack that shares bars, venue and fidelity.


rule simulate_trials:
    input:
        bars=shared_by_pack("simulate", "bars", "bars.parquet"),
        blocks=market_table("simulate", "blocks"),
        tips=market_table("simulate", "tips"),
        events=simulate_events,
        paths=packs_upstream("simulate", "quote", "paths.parquet"),
        statuses=packs_upstream("simulate", "quote", "status.parquet"),
    output:
        metrics=f"{STORE}/simulate/{{id}}/metrics.parquet",
        equity=f"{STORE}/simulate/{{id}}/equity.parquet",
        daily=f"{STORE}/simulate/{{id}}/daily.parquet",
        spec=f"{STORE}/simulate/{{id}}/spec.json",
    log:
        "results/logs/simulate/{id}.log",
    benchmark:
        "results/benchmarks/simulate/{id}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec_of("simulate"),
        code=code_of("simulate_trials"),
    message:
        "Simulating pack {wildcards.id}"
    script:
        "../scripts/simulate_trials.py"
