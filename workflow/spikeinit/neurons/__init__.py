"""One first-order integrate-and-fire model behind three kernels.

    from spikeinit.neurons import integrate_and_fire

    spikes = integrate_and_fire(torch.full((6, 1), 0.75), decay=0.5, threshold=1.0)   # [T, B], here 0 1 0 0 1 0

The model is loaded on first use: `spikeinit.names.neurons` is read while planning, where torch would cost seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikeinit.neurons.model import integrate_and_fire

__all__ = ["integrate_and_fire"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spikeinit.neurons.model import integrate_and_fire

    globals()[name] = integrate_and_fire
    return integrate_and_fire
