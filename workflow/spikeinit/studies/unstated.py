"""What several papers leave open in the same way, and keys that are no conditions of any paper's claims."""

from __future__ import annotations

from typing import Any

from spikeinit.study import OpenChoice

PYTORCH_ADAM = {"betas": [0.9, 0.999], "weight_decay": 0.0}
"""PyTorch's defaults of Adam, which hold where the configuration gives no others."""

ONLY_LOOKED_AT = "They say what is looked at during training, and choose nothing."
WITHOUT_EFFECT = "They have no effect together with the other values that count as published."
ONLY_SAID = "They decide what is said about the results and how test images are run, and no result."
DATASETS = "What was run in place of a published data set is told beside each claim."
SEEDS = "The number of runs stands beside every result."
JOBS = "They share trainings out among jobs, and decide no number."


def adam(path: str, paper: str) -> dict[str, OpenChoice]:
    """Open choices of an `adam` at a key path, of which a paper, "The thesis" say, states the learning rate alone."""
    return {
        f"{path}.betas": OpenChoice(
            (PYTORCH_ADAM["betas"],), f"{paper} does not state Adam's decay rates, and PyTorch's default is taken."
        ),
        f"{path}.weight_decay": OpenChoice(
            (PYTORCH_ADAM["weight_decay"],), f"{paper} does not mention weight decay, and there is none here."
        ),
    }


def adam_unset(path: str) -> dict[str, Any]:
    """What holds where an `adam` at a key path is given without its options."""
    return {f"{path}.{key}": value for key, value in PYTORCH_ADAM.items()}


def neuron(paper: str, path: str = "neuron") -> dict[str, OpenChoice]:
    """Open choices of the neurons of which no paper here speaks: start, delay of the spike, gradient of the reset."""
    return {
        f"{path}.initial_potential": OpenChoice(
            (0.0,), f"{paper} does not state the membrane potential before the first step, and it is 0 here."
        ),
        f"{path}.spike_delay": OpenChoice(
            (0,), f"{paper} speaks of no delay between a potential and its spike, and there is none here."
        ),
        f"{path}.detach_reset": OpenChoice(
            (True,), f"{paper} does not say whether the gradient goes through the reset, and here it does not."
        ),
    }
