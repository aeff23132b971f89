"""The integrate-and-fire model: arguments checked, parameters brought to one form, a kernel chosen."""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from typing import Literal, overload

import torch

from spikeinit.errors import UserError
from spikeinit.kernels.compiler import REMEDY, compiler_works
from spikeinit.kernels.neurons import reference
from spikeinit.kernels.neurons.dynamics import Dynamics
from spikeinit.kernels.surrogates import surrogate as surrogate_of
from spikeinit.names.neurons import BEFORE_LEAK, KERNELS, RESETS, SPIKE_DELAYS

Parameter = float | torch.Tensor


# fmt: off
@overload
def integrate_and_fire(
    current: torch.Tensor, *, decay: Parameter, threshold: Parameter, gain: float = ..., reset: str = ...,
    surrogate: str = ..., slope: float = ..., initial_potential: Parameter = ..., amplitude: Parameter = ...,
    spike_delay: int = ..., kernel: str = ..., inclusive: bool = ..., detach_reset: bool = ...,
    return_potential: Literal[False] = ...,
) -> torch.Tensor: ...
@overload
def integrate_and_fire(
    current: torch.Tensor, *, decay: Parameter, threshold: Parameter, gain: float = ..., reset: str = ...,
    surrogate: str = ..., slope: float = ..., initial_potential: Parameter = ..., amplitude: Parameter = ...,
    spike_delay: int = ..., kernel: str = ..., inclusive: bool = ..., detach_reset: bool = ...,
    return_potential: Literal[True],
) -> tuple[torch.Tensor, torch.Tensor]: ...
# fmt: on
def integrate_and_fire(
    current: torch.Tensor,
    *,
    decay: Parameter,
    threshold: Parameter,
    gain: float = 1.0,
    reset: str = "subtract",
    surrogate: str = "arctan",
    slope: float = 1.0,
    initial_potential: Parameter = 0.0,
    amplitude: Parameter = 1.0,
    spike_delay: int = 0,
    kernel: str = "auto",
    inclusive: bool = False,
    detach_reset: bool = True,
    return_potential: bool = False,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """Output [T, B, ...] of integrate-and-fire neurons that receive `current` [T, B, ...].

        u[t] = decay * m[t-1] + gain * i[t] - r[t-1]      m[0] = initial_potential, r[0] = 0
        s[t] = 1 if u[t] > threshold else 0               (>= with `inclusive`)
        subtract:  m[t] = u[t],              r[t] = threshold * s[t]
        subtract_before_leak: m[t] = u[t],   r[t] = decay * threshold * s[t]
        zero:      m[t] = u[t] * (1 - s[t]), r[t] = 0
        output[t] = amplitude * s[t]

    With "subtract_before_leak" the threshold is taken away in the step of the spike, and what is left then decays:
    u[t+1] = decay * (u[t] - threshold * s[t]) + gain * i[t+1]. With "subtract" and "zero" this is snnTorch 1.0.0's
    `Leaky` with the same `reset_mechanism`, u its `mem`.

    With `spike_delay` 1 every step first lets the potential spike that the step before has left, and then decays and
    integrates, as in the code published with Peat (2024):

        s[t] = 1 if u[t-1] > threshold else 0             u[0] = initial_potential
        u[t] = decay * m[t] + gain * i[t] - r[t]
        subtract:  m[t] = u[t-1],              r[t] = threshold * s[t]
        zero:      m[t] = u[t-1] * (1 - s[t]), r[t] = 0

    So with the hard reset a potential that spiked becomes zero before it decays, and the current of that step is kept.
    An initial potential above the threshold spikes in step 1, which it does not without the delay. Any other gives the
    same u as without the delay, and each spike one step later. The u of the last step has no spike.

    `decay`, `threshold`, `initial_potential` and `amplitude` are numbers, tensors of one element, or tensors that
    broadcast to the neurons' shape `current.shape[2:]`; `initial_potential` may also broadcast to `current.shape[1:]`,
    with the dimension of the images. The output is differentiable in each that requires a gradient and in `current`.
    `decay` is used as given (a layer that learns it clamps it). In the backward pass the spike's derivative is the
    `surrogate` of u - threshold with `slope` (see `spikeinit.kernels.surrogates`); with `detach_reset` the s inside the
    reset has no derivative, while the threshold it is multiplied with keeps its own.

    `kernel` is "reference" (plain torch, any float type), "cpu" (compiled by numba; float32 and float64), "gpu" (by
    Triton) or "auto": the fastest one for the tensor whose compiler is there, and for "subtract_before_leak" always the
    reference. The compiled kernels walk memory in its physical order, so channels-last currents give channels-last
    outputs without a copy. With `return_potential` the result is the pair (output, u); u has the type of `current`, but
    float32 from the GPU kernel for half precision, which it computes in float32.

    Raises ValueError for wrong shapes, types or names and for T = 0; `UserError` for the kernel "cpu" without numba.
    """
    if not isinstance(current, torch.Tensor) or not current.is_floating_point():
        given = current.dtype if isinstance(current, torch.Tensor) else f"a {type(current).__name__}"
        raise ValueError(f"current is {given}: give a floating-point tensor of torch")
    if current.ndim < 2 or current.shape[0] < 1:
        raise ValueError(f"current has shape {list(current.shape)}: it must be [T, B, ...] with T >= 1 time steps")
    if reset not in RESETS:
        raise ValueError(f"reset={reset!r}: unknown; use one of {', '.join(RESETS)}")
    if spike_delay not in SPIKE_DELAYS:
        raise ValueError(f"spike_delay={spike_delay!r}: a layer's spikes are delayed by 0 or 1 time steps")
    dynamics = Dynamics(
        gain=_number("gain", gain),
        subtract=reset != "zero",
        reset_leaks=reset == BEFORE_LEAK,
        inclusive=bool(inclusive),
        detach_reset=bool(detach_reset),
        surrogate=surrogate_of(surrogate, slope),
        spike_delay=int(spike_delay),
    )
    kernel = _choose_kernel(kernel, current, reset)
    # the GPU kernel computes half precision in float32
    dtype = torch.float32 if kernel == "gpu" and current.dtype.itemsize < 4 else current.dtype
    parameters = [
        _parameter(name, value, current, dtype)
        for name, value in (
            ("decay", decay),
            ("threshold", threshold),
            ("initial_potential", initial_potential),
            ("amplitude", amplitude),
        )
    ]
    if kernel == "reference":
        output, potential = reference.run(current, *parameters, dynamics)
        return (output, potential) if return_potential else output

    from spikeinit.kernels.neurons import autograd

    return autograd.run(current, *parameters, dynamics, kernel=kernel, return_potential=return_potential)


def _choose_kernel(kernel: str, current: torch.Tensor, reset: str) -> str:
    if kernel not in KERNELS:
        raise ValueError(f"kernel={kernel!r}: unknown; use one of {', '.join(KERNELS)}")
    if reset == BEFORE_LEAK:
        if kernel not in ("auto", "reference"):
            raise ValueError(f'kernel={kernel!r} has no reset {reset!r}; use "auto", which takes the reference kernel')
        return "reference"
    on_processor = current.device.type == "cpu" and current.dtype in (torch.float32, torch.float64)
    if kernel == "auto":
        if current.is_cuda and _triton_works(current.device):
            return "gpu"
        return "cpu" if on_processor and compiler_works() else "reference"
    if kernel == "cpu" and not on_processor:
        raise ValueError(
            f'kernel="cpu" takes float32 or float64 on the CPU, not {current.dtype} on {current.device}; use "auto"'
        )
    if kernel == "cpu" and not compiler_works():
        raise UserError(f'kernel="cpu" needs the package numba, which cannot be imported: {REMEDY}, or use "auto"')
    if kernel == "gpu" and not _triton_installed():
        raise ValueError('kernel="gpu" needs the package triton, which is not installed; use "auto"')
    if kernel == "gpu" and not current.is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        raise ValueError(f'kernel="gpu" takes tensors on a GPU, not on {current.device}; use "auto"')
    return kernel


@functools.cache
def _triton_installed() -> bool:
    return importlib.util.find_spec("triton") is not None


@functools.cache
def _triton_works(device: torch.device) -> bool:
    """Whether a first small call succeeds: Triton also needs a recent GPU, a C compiler and a folder to write to."""
    if not _triton_installed():
        return False
    try:
        with torch.enable_grad():
            probe = torch.ones(1, 1, device=device, requires_grad=True)
            integrate_and_fire(probe, decay=0.5, threshold=0.5, kernel="gpu").sum().backward()
    except Exception as error:  # whatever the compiler or driver raises; the reference kernel still works
        warnings.warn(f"the GPU kernel does not run on {device}, using the reference kernel: {error}", stacklevel=2)
        return False
    return True


def _number(name: str, value: float | torch.Tensor) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        shape = getattr(value, "shape", None)
        of_shape = f" of shape {list(shape)}" if shape is not None else ""
        one_per_neuron = "" if name == "gain" else ", or a tensor of torch (torch.from_numpy) with one per neuron"
        raise ValueError(f"{name} is a {type(value).__name__}{of_shape}: give one number{one_per_neuron}") from None


def _parameter(name: str, value: Parameter, current: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """`value` as a tensor without dimensions or one that broadcasts to the neurons, on the device of `current`.

    The initial potential may have a dimension of images before those of the neurons.
    """
    if not isinstance(value, torch.Tensor):
        return torch.tensor(_number(name, value), dtype=dtype, device=current.device)
    value = value.to(device=current.device, dtype=dtype)
    if value.numel() == 1:
        return value.reshape(())
    neurons = current.shape[2:]
    by_image = name == "initial_potential" and value.ndim == current.ndim - 1
    whole = current.shape[1:] if by_image else neurons
    try:
        fits = torch.broadcast_shapes(value.shape, whole) == whole
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} has shape {list(value.shape)}: give one value, or a shape that broadcasts to the neurons'"
            f" {list(neurons)} (current is {list(current.shape)} = [T, B, neurons])"
        )
    return value
