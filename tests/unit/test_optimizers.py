"""Learning-rate schedules against PyTorch's own, losses against snnTorch's."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from spikeinit.losses import make_loss, predict
from spikeinit.training.checkpoint import Checkpoint
from spikeinit.training.optimizers import advance, learning_rate, make_optimizer


@pytest.mark.parametrize(
    ("schedule", "make"),
    [
        ({"name": "step", "every": 3, "factor": 0.1}, lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.1)),
        ({"name": "cosine"}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10)),
        (
            {"name": "cosine_by_batch", "every": 4},
            lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 4),
        ),
        ({"name": "constant"}, lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    ],
)
def test_schedules_equal_pytorchs(schedule, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = make(optimizer)
    for done in range(10):  # epochs, or batches
        ours = learning_rate(0.5, schedule, done, 10, done)
        assert ours == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-12)
        optimizer.step()
        theirs.step()


def test_optimizer_is_built_as_asked():
    optimizer = make_optimizer(
        [torch.zeros(2, requires_grad=True)], {"name": "adam", "learning_rate": 0.01, "betas": [0.9, 0.99]}
    )
    assert isinstance(optimizer, torch.optim.Adam)
    assert optimizer.defaults["lr"] == 0.01
    assert tuple(optimizer.defaults["betas"]) == (0.9, 0.99)


def test_cross_entropy_per_step_equals_snntorch():
    from snntorch import functional

    generator = torch.Generator().manual_seed(0)
    output = (torch.rand(7, 5, 10, generator=generator) < 0.4).float()
    labels = torch.randint(10, (5,), generator=generator)
    theirs = functional.ce_rate_loss()(output, labels)  # divides by the number of steps
    assert make_loss("cross_entropy_per_step", reduction="mean")(output, labels).item() == pytest.approx(theirs.item())
    assert make_loss("cross_entropy_per_step")(output, labels).item() == pytest.approx(7 * theirs.item())


def test_cross_entropy_of_counts_equals_snntorch():
    from snntorch import functional

    generator = torch.Generator().manual_seed(1)
    output = (torch.rand(7, 5, 10, generator=generator) < 0.4).float()
    labels = torch.randint(10, (5,), generator=generator)
    assert make_loss("cross_entropy")(output, labels).item() == pytest.approx(
        functional.ce_count_loss()(output, labels).item()
    )


def test_mean_squared_error_of_rates_by_hand():
    # two steps, one image, two classes, the first is right: rates 1 and 1/2, so ((1-1)^2 + (1/2)^2) / 2 = 1/8
    output = torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]])
    loss = make_loss("mean_squared_error", reduction="mean")
    assert loss(output, torch.tensor([0])).item() == pytest.approx(1 / 8)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"name": "sgd", "learning_rate": 0.5, "momentum": 0.9}, torch.optim.SGD),
        ({"name": "asgd", "learning_rate": 2.0, "lambd": 1e-6, "alpha": 0.75}, torch.optim.ASGD),
        ({"name": "adagrad", "learning_rate": 0.01}, torch.optim.Adagrad),
    ],
)
def test_every_optimizer_steps_and_goes_through_a_checkpoint(spec, kind, tmp_path):
    """Two steps in a row equal one step, a checkpoint, and another step in a new optimiser."""

    def start():
        network = torch.nn.Linear(3, 2)
        torch.nn.init.constant_(network.weight, 0.3)
        torch.nn.init.zeros_(network.bias)
        return network, make_optimizer(network.parameters(), spec)

    def step(network, optimizer):
        optimizer.zero_grad()
        network(torch.tensor([[1.0, 2.0, 3.0]])).square().sum().backward()
        advance(optimizer)

    whole, optimizer = start()
    assert isinstance(optimizer, kind)
    step(whole, optimizer)
    about = {"spec_digest": "x", "generators": {}}
    Checkpoint(tmp_path / "c.safetensors", network=whole, optimizer=optimizer, **about).save({}, {"position": 3})
    step(whole, optimizer)
    resumed, optimizer = start()
    checkpoint = Checkpoint(tmp_path / "c.safetensors", network=resumed, optimizer=optimizer, **about)
    assert checkpoint.restore(lambda tensors, values: (tensors, values)) == ({}, {"position": 3})
    step(resumed, optimizer)
    assert torch.equal(whole.weight, resumed.weight)


def test_prediction_is_the_class_with_most_spikes():
    output = torch.tensor([[[1.0, 0, 1]], [[0, 1, 1]], [[0, 0, 0]]])
    assert predict(output).tolist() == [2]


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match="give one of cross_entropy_per_step"):
        make_loss("hinge")


def test_advance_is_step():
    def trained(take_step):
        parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        optimizer = make_optimizer([parameter], {"name": "adam", "learning_rate": 0.1})
        for _ in range(5):
            optimizer.zero_grad()
            (parameter**2).sum().backward()
            take_step(optimizer)
        return parameter.detach()

    assert torch.equal(trained(advance), trained(lambda optimizer: optimizer.step()))


def test_an_optimizer_does_not_import_the_compiler(checkout):
    code = (
        "import sys, torch; from spikeinit.training.optimizers import advance, make_optimizer; "
        "p = torch.nn.Parameter(torch.ones(2)); o = make_optimizer([p], {'name': 'adam', 'learning_rate': 0.1}); "
        "(p * p).sum().backward(); advance(o); o.load_state_dict(o.state_dict()); print('torch._dynamo' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={"PYTHONPATH": "workflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == "False"


@pytest.mark.parametrize("name", ["adam", "sgd", "asgd", "adagrad"])
def test_steps_in_one_call_equal_pytorchs_plain_ones_where_weights_have_channels_last(name):
    """PyTorch's fused steps read memory as it lies: a gradient in another layout would change the wrong weights."""
    options = {"momentum": 0.9} if name == "sgd" else {}
    spec = {"name": name, "learning_rate": 0.01, **options}
    ours, theirs = (
        torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 4, 3)).to(memory_format=torch.channels_last)
        for _ in range(2)
    )
    theirs.load_state_dict(ours.state_dict())
    optimizer = make_optimizer(ours.parameters(), spec)
    plain = type(optimizer)(theirs.parameters(), lr=0.01, foreach=False, **options)
    for seed in range(5):
        images = torch.randn(2, 3, 9, 7, generator=torch.Generator().manual_seed(seed))
        for network, step in ((ours, lambda: advance(optimizer)), (theirs, plain.step)):
            network.zero_grad()
            network(images).square().mean().backward()
            step()
    for mine, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-6)
