"""Files of weights that users bring: their usual wrappings are taken off, anything else is refused in one sentence."""

from __future__ import annotations

import pickle
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from spikeinit.conversion.ann import build_ann
from spikeinit.conversion.torchvision_weights import load_torchvision_weights
from spikeinit.conversion.weights_file import kind
from spikeinit.errors import UserError
from spikeinit.networks.weights import differences
from spikeinit.specs import NetworkSpec

FIRST = "features.0.weight"


def small_network():
    spec = SimpleNamespace(network=NetworkSpec("vgg9_small", 1 / 16, {}), activation={"name": "relu"})
    return build_ann(spec, input_shape=(1, 8, 8), classes=3)


def modules_of(network):
    return [
        module
        for layer in network.weighted_layers()
        for module in (layer.operation, layer.normalization)
        if module is not None
    ]


@pytest.fixture
def weights():
    """Weights of a small network under torchvision's names: fourteen modules of features, and the classifier."""
    torch.manual_seed(3)
    modules = modules_of(small_network())
    names = [f"features.{2 * place}" for place in range(len(modules) - 1)] + ["classifier.6"]
    state = {}
    for name, module in zip(names, modules, strict=True):
        for key, value in module.state_dict().items():
            drawn = torch.rand(value.shape) if value.is_floating_point() else value
            state[f"{name}.{key}"] = drawn.contiguous()
    return state


def saved(tmp_path, content):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    return path


def holds(network, weights):
    """Whether the network has these weights, compared in float32."""
    own = [value for module in modules_of(network) for value in module.state_dict().values() if value.dim()]
    given = [value for value in weights.values() if value.dim()]
    return all(torch.equal(one, other.float()) for one, other in zip(own, given, strict=True))


def prefixed(prefix, weights):
    return {f"{prefix}{name}": value for name, value in weights.items()}


OPTIMIZER = {"state": {0: {"exp_avg": torch.zeros(2), "step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda weights: weights, ""),
        (lambda weights: prefixed("module.", weights), f"took module.{FIRST} as {FIRST} and so on"),
        (
            lambda weights: {name.replace("features.", "features.module."): value for name, value in weights.items()},
            f"took features.module.0.weight as {FIRST} and so on",
        ),
        (lambda weights: prefixed("_orig_mod.module.", weights), f"took _orig_mod.module.{FIRST} as {FIRST}"),
        (lambda weights: {"epoch": 3, "state_dict": weights}, "took the weights under ['state_dict']\n"),
        (
            lambda weights: {"model_state_dict": prefixed("net.", weights), "optimizer": OPTIMIZER},
            f"took the weights under ['model_state_dict'], net.{FIRST} as {FIRST} and so on",
        ),
        (lambda weights: {"model": {"state_dict": weights}}, "under ['model']['state_dict']"),
        (lambda weights: {"best": weights, "state_dict": weights}, "under ['best']"),  # one object, saved once
        (lambda weights: {"n_averaged": torch.tensor(2), **prefixed("module.", weights)}, f"module.{FIRST} as"),
        (lambda weights: {"epoch": 3, **weights}, ""),
    ],
)
def test_the_usual_wrappings_are_taken_off_and_said(weights, wrap, said, tmp_path, capsys):
    network = small_network()
    path = saved(tmp_path, wrap(weights))
    load_torchvision_weights(network, path)
    assert holds(network, weights)
    printed = capsys.readouterr().out
    assert said in printed
    assert printed.count("\n") == bool(said)
    assert not said or printed.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("wrap", "parts"),
    [
        (
            lambda weights: {"state_dict": weights, "ema": {name: value.clone() for name, value in weights.items()}},
            ("2 sets of weights: ['state_dict'] (", "['ema'] (", "torch.save(torch.load(path)['ema'], other_path)"),
        ),
        (
            lambda weights: {**prefixed("teacher.", weights), **prefixed("student.", weights)},
            ("2 sets of weights", f"teacher.{FIRST}, ..", f"student.{FIRST}, .."),
        ),
        (
            lambda weights: {**weights, f"module.{FIRST}": weights[FIRST]},
            (f"{FIRST} is there twice, as {FIRST} and as module.{FIRST}",),
        ),
    ],
)
def test_two_sets_of_weights_are_not_chosen_between(weights, wrap, parts, tmp_path):
    with pytest.raises(UserError) as caught:
        load_torchvision_weights(small_network(), saved(tmp_path, wrap(weights)))
    assert all(part in str(caught.value) for part in parts)


def test_all_that_differs_is_named_at_once(weights, tmp_path):
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weights["loss.weight"] = torch.ones(3)
    del weights["features.2.running_mean"]
    weights[FIRST] = weights[FIRST][:2]
    with pytest.raises(UserError) as caught:
        load_torchvision_weights(network, saved(tmp_path, {"state_dict": weights}))
    assert str(caught.value).endswith(
        "not the weights of this network: missing: features.2.running_mean [4]; unexpected: loss.weight [3];"
        f" of another shape: {FIRST} [2, 1, 3, 3] instead of [4, 1, 3, 3]"
    )
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_of_many_differences_the_first_are_named_and_the_others_counted():
    own = {f"layer{number}": (number,) for number in range(6)}
    assert differences(own, {}) == "missing: layer0 [0], layer1 [1], layer2 [2] and 3 more"
    assert differences(own, own) == ""


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"layer1.0.conv1.weight": torch.zeros(1)}, "without residual blocks .*; it holds layer1.0.conv1.weight"),
        ({FIRST: torch.zeros(4, 1, 3, 3)}, "weights of 1 layers and normalisations .*, the network has 15"),
        ([1, 2], r"it holds a list without tensors by name; torch\.save\(model\.state_dict\(\), path\)"),
        ({}, "it holds a dict without tensors"),
        (torch.zeros(2), "it holds a Tensor without tensors by name"),
    ],
)
def test_weights_of_another_network_are_refused(content, part, tmp_path):
    with pytest.raises(UserError, match=part):
        load_torchvision_weights(small_network(), saved(tmp_path, content))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_types_become_float32_and_it_is_said(weights, dtype, tmp_path, capsys):
    given = {name: value.to(dtype) if value.is_floating_point() else value for name, value in weights.items()}
    network = small_network()
    load_torchvision_weights(network, saved(tmp_path, given))
    assert holds(network, given)
    assert f"{str(dtype).removeprefix('torch.')} made float32" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda tensor: (tensor * 10).to(torch.int8), f"{FIRST} is int8; floating-point weights are needed"),
        (lambda tensor: tensor > 0.5, f"{FIRST} is bool"),
        (lambda tensor: tensor.to(torch.complex64), f"{FIRST} is complex64"),
        (lambda tensor: tensor.to_sparse(), f"{FIRST} is sparse"),
        (lambda tensor: tensor.to("meta"), f"{FIRST} is without its values"),
        (lambda tensor: [1.0], f"{FIRST} is a list"),
        (lambda tensor: tensor.masked_fill(tensor > tensor.median(), float("nan")), f"NaN .*: 18 of 36 in {FIRST}"),
        (lambda tensor: tensor / 0, f"NaN or infinity among the weights: 36 of 36 in {FIRST}"),
        (lambda tensor: tensor.double() * 1e300, f"NaN or infinity among the weights: 36 of 36 in {FIRST}"),
        (lambda tensor: torch.zeros(1).expand(10**12), r"\[1000000000000\] instead of \[4, 1, 3, 3\]"),
    ],
)
def test_weights_that_are_no_finite_numbers_are_refused(weights, change, part, tmp_path):
    weights[FIRST] = change(weights[FIRST])
    with pytest.raises(UserError, match=part):
        load_torchvision_weights(small_network(), saved(tmp_path, weights))


def test_all_integer_weights_are_counted(weights, tmp_path):
    given = {name: (value * 10).to(torch.int8) for name, value in weights.items()}
    count = sum(not name.endswith("num_batches_tracked") for name in weights)
    with pytest.raises(UserError, match=rf"{FIRST} is int8, features.0.bias is int8, .* and {count - 3} more"):
        load_torchvision_weights(small_network(), saved(tmp_path, given))


def test_negative_variances_are_refused(weights, tmp_path):
    weights["features.2.running_var"] -= 1
    with pytest.raises(UserError, match=r"features\.2\.running_var holds negative variances"):
        load_torchvision_weights(small_network(), saved(tmp_path, weights))


class Malicious:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("content", [{FIRST: Malicious()}, torch.nn.Linear(2, 2)])
def test_objects_beside_tensors_are_never_executed(content, archive, tmp_path, capsys):
    path = tmp_path / "weights.pth"
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    with pytest.raises(UserError) as caught:
        load_torchvision_weights(small_network(), path)
    name = "torch.nn.modules.linear.Linear" if isinstance(content, torch.nn.Module) else "print"
    assert f"not a file of tensors alone: it asks for {name}, and nothing was executed" in str(caught.value)
    assert "torch.save(model.state_dict(), path)" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "executed" not in capsys.readouterr().out


def test_the_content_counts_not_the_name(weights, tmp_path):
    save_file(weights, tmp_path / "weights.pth")
    torch.save(weights, tmp_path / "weights.safetensors")
    torch.save(weights, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    for name, found in (("weights.pth", "safetensors"), ("weights.safetensors", "torch"), ("old.bin", "torch")):
        assert kind(tmp_path / name) == found
        network = small_network()
        load_torchvision_weights(network, tmp_path / name)
        assert holds(network, weights)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a pointer of git-lfs .* git lfs pull"),
        (b"\n<!DOCTYPE html><html><title>403</title></html>", "a web page, not weights"),
        (b'<?xml version="1.0"?><Error/>', "a web page"),
        (pickle.dumps({FIRST: [0.0]}), r"a pickled Python object, .*torch\.save\(model\.state_dict\(\), path\)"),
        (b"\x1f\x8b\x08\0", "compressed by gzip"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"garbage" * 100, "neither torch.save nor safetensors wrote this file"),
        (b"ab", "neither torch.save nor safetensors"),
        (b'{"error":{"code":404}}', "neither torch.save nor safetensors"),
        (b"\x08\0\0\0\0\0\0\0{broken}", "a safetensors file that is damaged"),
        (b"\x02\0\0\0\0\0\0\0{}" + b"\0", "a safetensors file that is damaged or cut short"),
    ],
)
def test_what_is_no_file_of_weights_is_told_from_its_beginning(content, part, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    for look in (kind, lambda path: load_torchvision_weights(small_network(), path)):
        with pytest.raises(UserError, match=part):
            look(path)


def test_archives_of_another_kind_are_told(weights, tmp_path):
    path = saved(tmp_path, weights)
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name))
        archive.writestr("weights/data/more", bytes(1_000_000))
    with pytest.raises(UserError, match="an archive that is larger unpacked"):
        kind(packed)
    np.savez(tmp_path / "arrays.npz", weights=np.zeros(3))
    with pytest.raises(UserError, match=r"a zip archive that torch\.save did not write"):
        kind(tmp_path / "arrays.npz")
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/net.py"):
            archive.writestr(f"script/{name}", b"")
    with pytest.raises(UserError, match="a compiled model"):
        kind(tmp_path / "script.pt")
    with pytest.raises(UserError, match="not a file"):
        kind(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        kind(tmp_path / "absent.pth")


@pytest.mark.parametrize("write", ["archive", "old", "safetensors"])
def test_a_file_that_is_cut_short_is_refused(weights, write, tmp_path):
    path = tmp_path / "weights.pth"
    if write == "safetensors":
        save_file(weights, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=write == "archive")
    whole = path.read_bytes()
    for length in (30, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="damaged"):
            load_torchvision_weights(small_network(), path)
