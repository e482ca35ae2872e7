# Inventory-independent quote paths: one job per pack that shares bars.


rule calibrate_quotes:
    input:
        bars=shared_by_pack("quote", "bars", "bars.parquet"),
        trades=market_table("quote", "trades"),
        book=market_table("quote", "book"),
        predictions=packs_upstream("quote", "train", "predictions.parquet"),
        statuses=packs_upstream("quote", "train", "status.parquet"),
    output:
        paths=f"{STORE}/quote/{{id}}/paths.parquet",
        calibration=f"{STORE}/quote/{{id}}/calibration.parquet",
        status=f"{STORE}/quote/{{id}}/status.parquet",
        spec=f"{STORE}/quote/{{id}}/spec.json",
    log:
        "results/logs/quote/{id}.log",
    benchmark:
        "results/benchmarks/quote/{id}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec_of("quote"),
        code=code_of("calibrate_quotes"),
    message:
        "Calibrating quotes of pack {wildcards.id}"
    script:
        "../scripts/calibrate_quotes.py"
