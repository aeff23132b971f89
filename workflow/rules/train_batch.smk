"""Train many short runs in one job, so that starting up does not cost more than training.

INPUTS   results/datasets/<dataset>/
OUTPUTS  for every run of the batch what train_snn writes, and its seeds' checkpoints and journals: a batch that is
         interrupted, or gets more runs, goes on with what is not finished
DECIDES  the same as train_snn; which runs share a job decides no number
"""

for study, batches in BATCHES.items():
    for batch in batches:

        rule:
            name:
                f"train_batch_{study}_{batch}"
            input:
                data=dataset_of_batch(study, batch),
                tracking=ancient(f"{RESULTS}/tracking.json"),
            output:
                [f"{folder}/{file}" for folder in folders_of_batch(study, batch) for file in TRAINED],
            log:
                f"{RESULTS}/logs/train_batch/{study}/{batch}.log",
            benchmark:
                f"{RESULTS}/benchmarks/train_batch/{study}/{batch}.tsv"
            conda:
                "../../envs/environment.yaml"
            threads: CONFIG.threads
            resources:
                mem_mb=memory_of_batch(study, batch),
                runtime=1440,
            params:
                spec=requests.training_batch_spec(batches[batch]),
                study=study,
                batch=batch,
            shell:
                "stage {log:q} train_batch --spec {params.spec:q}"
                " --study {params.study}"
                f" --runs {RESULTS}/runs/{{params.study}} --log {RESULTS}/logs/mirror/{{params.study}}/{{params.batch}}.log"
                " --data {input.data:q} --tracking {input.tracking:q} --device $DEVICE --kernel $KERNEL"
                ' --initializer-files "${{INITIALIZER_FILES[@]}}"'
