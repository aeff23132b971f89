"""What memory and time a job asks a cluster for, computed from its work. On one machine neither is looked at.

`threads` are those of the job, and `attempt` is 1, and one more each time that the job is tried again.
"""

from spikeinit.plan import resources
from spikeinit.plan.gpu_memory import gpu_memory_mb, unlike


def memory_of_run(wildcards, attempt):
    """Megabytes for a job that trains the networks of a run, by its network, steps and batch."""
    return _training_memory([run_of(wildcards).spec], attempt)


def memory_of_evaluation(wildcards, attempt):
    """Megabytes for a job that evaluates the networks of a run."""
    return _training_memory([run_of(wildcards).evaluation], attempt)


def memory_of_batch(wildcards, attempt):
    """Megabytes for a job that trains many runs, by the largest of them."""
    return _training_memory([run.spec for run in runs_of_batch(wildcards)], attempt)


def memory_of_batch_evaluation(wildcards, attempt):
    """Megabytes for a job that evaluates many runs."""
    return _training_memory([run.evaluation for run in runs_of_batch(wildcards)], attempt)


def _training_memory(specs, attempt):
    facts = resources.facts_of(specs[0].images.dataset)
    return max(resources.training_memory_mb(spec, facts, attempt) for spec in unlike(specs))


def memory_of_conversion(wildcards, attempt):
    """Megabytes for a job that converts or calibrates, by its network, images and batch."""
    run = run_of(wildcards)
    return resources.conversion_memory_mb(run.spec, resources.facts_of(run.labels["dataset"]), attempt)


def memory_of_pretraining(wildcards, attempt):
    """Megabytes for a job that trains an analogue network, by its layers, images and batch."""
    return resources.conversion_memory_mb(ann_of(wildcards).spec, resources.facts_of(wildcards.dataset), attempt)


def memory_of_activations(wildcards, attempt):
    """Megabytes for a job that gathers activations or reads them, by its network, images and batch."""
    return resources.conversion_memory_mb(ann_of(wildcards).activations, resources.facts_of(wildcards.dataset), attempt)


def runtime_of_run(wildcards, threads, attempt):
    """Minutes for the job that makes a run."""
    return _minutes([run_of(wildcards).spec], run_of(wildcards).labels["dataset"], threads, attempt)


def runtime_of_simulation(wildcards, threads, attempt):
    """Minutes for a job that simulates untrained networks, which see no images."""
    return resources.run_minutes([run_of(wildcards).spec], None, CONFIG, threads, attempt)


def runtime_of_evaluation(wildcards, threads, attempt):
    """Minutes for the job that evaluates a run."""
    return _minutes([run_of(wildcards).evaluation], run_of(wildcards).labels["dataset"], threads, attempt)


def runtime_of_batch(wildcards, threads, attempt):
    """Minutes for a job that trains many runs."""
    batch = runs_of_batch(wildcards)
    return _minutes([run.spec for run in batch], batch[0].labels["dataset"], threads, attempt)


def runtime_of_batch_evaluation(wildcards, threads, attempt):
    """Minutes for a job that evaluates many runs."""
    batch = runs_of_batch(wildcards)
    return _minutes([run.evaluation for run in batch], batch[0].labels["dataset"], threads, attempt)


def runtime_of_pretraining(wildcards, threads, attempt):
    """Minutes for a job that trains an analogue network."""
    return _minutes([ann_of(wildcards).spec], wildcards.dataset, threads, attempt)


def runtime_of_activations(wildcards, threads, attempt):
    """Minutes for a job that gathers activations."""
    return _minutes([ann_of(wildcards).activations], wildcards.dataset, threads, attempt)


def runtime_of_thresholds(wildcards, attempt):
    """Minutes for a job that looks for thresholds."""
    return resources.search_minutes(ann_of(wildcards), resources.facts_of(wildcards.dataset), attempt)


def _minutes(specs, dataset, threads, attempt):
    return resources.run_minutes(specs, resources.facts_of(dataset), CONFIG, threads, attempt)


def gpu_memory_of_run(wildcards):
    """Megabytes of a GPU for a job that trains, converts or calibrates a run."""
    return _gpu_memory([run_of(wildcards).spec], run_of(wildcards).labels["dataset"])


def gpu_memory_of_evaluation(wildcards):
    """Megabytes of a GPU for a job that evaluates a run."""
    return _gpu_memory([run_of(wildcards).evaluation], run_of(wildcards).labels["dataset"])


def gpu_memory_of_batch(wildcards):
    """Megabytes of a GPU for a job that trains many runs, one after the other."""
    found = runs_of_batch(wildcards)
    return _gpu_memory([run.spec for run in found], found[0].labels["dataset"])


def gpu_memory_of_batch_evaluation(wildcards):
    """Megabytes of a GPU for a job that evaluates many runs, one after the other."""
    found = runs_of_batch(wildcards)
    return _gpu_memory([run.evaluation for run in found], found[0].labels["dataset"])


def gpu_memory_of_pretraining(wildcards):
    """Megabytes of a GPU for a job that trains an analogue network."""
    return _gpu_memory([ann_of(wildcards).spec], wildcards.dataset)


def gpu_memory_of_activations(wildcards):
    """Megabytes of a GPU for a job that gathers activations."""
    return _gpu_memory([ann_of(wildcards).activations], wildcards.dataset)


def _gpu_memory(specs, dataset):
    return gpu_memory_mb(specs, dataset, resources.manifest_of(dataset))
