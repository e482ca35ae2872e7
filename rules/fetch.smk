# Market data as canonical tables: one job per source and range.


rule fetch_data:
    input:
        files=fetch_files,
    output:
        candles=f"{STORE}/fetch/{{id}}/candles.parquet",
        trades=f"{STORE}/fetch/{{id}}/trades.parquet",
        book=f"{STORE}/fetch/{{id}}/book.parquet",
        orders=f"{STORE}/fetch/{{id}}/orders.parquet",
        pool_events=f"{STORE}/fetch/{{id}}/pool_events.parquet",
        blocks=f"{STORE}/fetch/{{id}}/blocks.parquet",
        tips=f"{STORE}/fetch/{{id}}/tips.parquet",
        funding=f"{STORE}/fetch/{{id}}/funding.parquet",
        onchain_daily=f"{STORE}/fetch/{{id}}/onchain_daily.parquet",
        quarantined=f"{STORE}/fetch/{{id}}/quarantined.parquet",
        quality=f"{STORE}/fetch/{{id}}/quality.json",
        truth=f"{STORE}/fetch/{{id}}/truth.json",
        spec=f"{STORE}/fetch/{{id}}/spec.json",
    log:
        "results/logs/fetch/{id}.log",
    benchmark:
        "results/benchmarks/fetch/{id}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        http=fetch_pace,
    params:
        spec=spec_of("fetch"),
        content=fetch_content,
        code=code_of("fetch_data"),
    message:
        "Fetching market data {wildcards.id}"
    script:
        "../scripts/fetch_data.py"
