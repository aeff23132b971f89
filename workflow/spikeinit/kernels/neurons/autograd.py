"""What the compiled kernels share: memory layout, the autograd function, and where each gradient goes.

A kernel (`cpu.py`, `gpu.py`) sees matrices [T, N] in their physical order and flat parameters of length 1 or P, where
the P neurons of one image are repeated along N = B * P. An initial potential of each image's own comes as [B, P]. A
kernel offers `empty`, `forward` and `backward`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from spikeinit.kernels.neurons.dynamics import Dynamics


@dataclass(frozen=True)
class Layout:
    """How a tensor [T, B, ...] lies in memory: time outermost, then images, then the neurons in `order`."""

    shape: torch.Size
    stride: tuple[int, ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, current: torch.Tensor) -> Layout | None:
        """The layout of `current`; None if it has holes, overlaps, or has neither time nor images outermost."""
        order = tuple(sorted(range(2, current.ndim), key=lambda dim: -current.stride(dim)))
        layout = cls(current.shape, current.stride(), order)
        return layout if layout.fits(current) else None

    @cached_property
    def neurons(self) -> int:
        """Number of neurons P of one image."""
        return self.shape[2:].numel()

    def fits(self, tensor: torch.Tensor) -> bool:
        """Whether `tensor` lies in memory exactly so."""
        return tensor.permute(0, 1, *self.order).is_contiguous()

    def matrix(self, tensor: torch.Tensor) -> torch.Tensor:
        """View [T, N] of a tensor that fits."""
        return tensor.permute(0, 1, *self.order).reshape(self.shape[0], self.shape[1] * self.neurons)

    def flat(self, parameter: torch.Tensor) -> torch.Tensor:
        """A parameter in physical order: [1], or [P], or [B, P] where it has a dimension of images."""
        if parameter.ndim == 0:
            return parameter.reshape(1)
        if parameter.ndim == len(self.shape) - 1:
            by_image = parameter.expand(self.shape[1:]).permute(0, *(dim - 1 for dim in self.order))
            return by_image.reshape(self.shape[1], self.neurons).contiguous()
        return parameter.expand(self.shape[2:]).permute(self._neuron_order).reshape(-1).contiguous()

    def unflatten(self, gradient: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
        """The gradient [1], [P] or [B, P], in physical order, of `parameter`: in its shape and type."""
        if parameter.ndim == 0:
            return gradient.sum().to(parameter.dtype)
        sizes = [self.shape[dim] for dim in self.order]
        inverse = [self.order.index(dim) for dim in range(2, len(self.shape))]
        if parameter.ndim == len(self.shape) - 1:
            gradient = gradient.reshape(self.shape[1], *sizes).permute(0, *(1 + dim for dim in inverse))
        else:
            gradient = gradient.reshape(sizes).permute(inverse)
        return gradient.sum_to_size(parameter.shape).to(parameter.dtype)

    @property
    def _neuron_order(self) -> list[int]:
        return [dim - 2 for dim in self.order]


class _IntegrateAndFire(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        current: torch.Tensor,
        decay: torch.Tensor,
        threshold: torch.Tensor,
        initial_potential: torch.Tensor,
        amplitude: torch.Tensor,
        dynamics: Dynamics,
        backend: ModuleType,
        return_potential: bool,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        output, potential = _forward(
            current, decay, threshold, initial_potential, amplitude, dynamics, backend, keep_potential=True
        )
        ctx.save_for_backward(potential, decay, threshold, initial_potential, amplitude)
        ctx.dynamics, ctx.backend, ctx.return_potential = dynamics, backend, return_potential
        ctx.current_dtype = current.dtype
        ctx.set_materialize_grads(False)
        return (output, potential) if return_potential else output

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_output: torch.Tensor | None, grad_potential: torch.Tensor | None = None
    ) -> tuple[torch.Tensor | None, ...]:
        potential, decay, threshold, initial_potential, amplitude = ctx.saved_tensors
        layout = Layout.of(potential)
        if grad_output is None:
            grad_output = torch.zeros_like(potential, dtype=ctx.current_dtype)
        grad_output = _laid_out(grad_output, layout, ctx.backend)
        if grad_potential is not None:
            grad_potential = _laid_out(grad_potential, layout, ctx.backend)
        # The potentials are read once and never again unless the graph is kept: the gradient takes their place, which
        # saves a third of the memory traffic. A potential that the caller holds is not ours to overwrite.
        if potential.dtype == ctx.current_dtype and not ctx.return_potential and not _graph_is_kept():
            grad_current = potential
        else:
            grad_current = ctx.backend.empty(layout.shape, layout.stride, ctx.current_dtype, potential.device)
        parameters = (decay, threshold, initial_potential)
        wanted = ctx.needs_input_grad[1:4]
        gradients = ctx.backend.backward(
            layout.matrix(potential),
            *(layout.flat(parameter) for parameter in (*parameters, amplitude)),
            dynamics=ctx.dynamics,
            grad_output=layout.matrix(grad_output),
            grad_potential=None if grad_potential is None else layout.matrix(grad_potential),
            grad_current=layout.matrix(grad_current),
            wanted=wanted,
        )
        of_parameters = [
            layout.unflatten(gradient, parameter) if want else None
            for gradient, parameter, want in zip(gradients, parameters, wanted, strict=True)
        ]
        return grad_current if ctx.needs_input_grad[0] else None, *of_parameters, None, None, None, None


def run(
    current: torch.Tensor,
    decay: torch.Tensor,
    threshold: torch.Tensor,
    initial_potential: torch.Tensor,
    amplitude: torch.Tensor,
    dynamics: Dynamics,
    *,
    kernel: str,
    return_potential: bool,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """The contract of `reference.run` by the compiled `kernel`; u comes only with `return_potential`."""
    backend = _backend(kernel)
    if Layout.of(current) is None:
        current = current.contiguous()
    learned_amplitude = None
    if amplitude.requires_grad:  # the kernels differentiate spikes, not their size
        learned_amplitude, amplitude = amplitude, torch.ones_like(amplitude)
    inputs = (current, decay, threshold, initial_potential, amplitude)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
        result = _IntegrateAndFire.apply(*inputs, dynamics, backend, return_potential)
    else:
        output, potential = _forward(*inputs, dynamics, backend, keep_potential=return_potential)
        result = (output, potential) if return_potential else output
    if learned_amplitude is None:
        return result
    if return_potential:
        return result[0] * learned_amplitude.to(current.dtype), result[1]
    return result * learned_amplitude.to(current.dtype)


def _backend(kernel: str) -> ModuleType:
    """The module of a compiled kernel, imported when it is needed: each brings a compiler of its own."""
    if kernel == "cpu":
        from spikeinit.kernels.neurons import cpu

        return cpu
    from spikeinit.kernels.neurons import gpu

    return gpu


def _forward(
    current: torch.Tensor,
    decay: torch.Tensor,
    threshold: torch.Tensor,
    initial_potential: torch.Tensor,
    amplitude: torch.Tensor,
    dynamics: Dynamics,
    backend: ModuleType,
    *,
    keep_potential: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    layout = Layout.of(current)
    output = backend.empty(layout.shape, layout.stride, current.dtype, current.device)
    potential = backend.empty(layout.shape, layout.stride, decay.dtype, current.device) if keep_potential else None
    backend.forward(
        layout.matrix(current),
        *(layout.flat(parameter) for parameter in (decay, threshold, initial_potential, amplitude)),
        dynamics=dynamics,
        output=layout.matrix(output),
        potential=None if potential is None else layout.matrix(potential),
    )
    return output, potential


def _laid_out(tensor: torch.Tensor, layout: Layout, backend: ModuleType) -> torch.Tensor:
    """`tensor` itself if it lies in memory as `layout` says, else a copy that does."""
    if layout.fits(tensor):
        return tensor
    return backend.empty(layout.shape, layout.stride, tensor.dtype, tensor.device).copy_(tensor)


def _graph_is_kept() -> bool:
    """Whether the running backward pass keeps its graph for another one; True where torch does not tell."""
    ask = getattr(torch._C._autograd, "_get_current_graph_task_keep_graph", None)
    return True if ask is None else ask()
