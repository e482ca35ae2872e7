# Models: one job per pack that shares features, labels and algorithm.


rule train_models:
    input:
        bars=train_bars,
        features=shared_by_pack("train", "features", "features.parquet"),
        meta=shared_by_pack("train", "features", "meta.json"),
        labels=shared_by_pack("train", "labels", "labels.parquet"),
    output:
        predictions=f"{STORE}/train/{{id}}/predictions.parquet",
        scores=f"{STORE}/train/{{id}}/scores.parquet",
        status=f"{STORE}/train/{{id}}/status.parquet",
        curves=f"{STORE}/train/{{id}}/curves.parquet",
        models=directory(f"{STORE}/train/{{id}}/models"),
        spec=f"{STORE}/train/{{id}}/spec.json",
    log:
        "results/logs/train/{id}.log",
    benchmark:
        "results/benchmarks/train/{id}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
        gpu=train_gpus,
    params:
        spec=spec_of("train"),
        code=code_of("train_models"),
    message:
        "Training pack {wildcards.id}"
    script:
        "../scripts/train_models.py"
