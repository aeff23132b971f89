"""What the machine did during a block of work: processor and memory of this process, and its GPU by NVML.

A thread samples once a second, and once more at the start and at the end, so that short work has numbers too.
Nothing here may disturb the work: every failure to measure leaves a number out.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

LIBRARIES = ("torch", "numpy", "numba", "triton", "safetensors", "spikeinit")


class Profiler:
    """Context manager that samples until it is left; `result` may be asked for inside and afterwards.

    `device` says where the work runs: only "cuda" or "cuda:<index>" has a GPU to report. `interval` in seconds.
    `nvml` is a stand-in for the module `pynvml`.
    """

    def __init__(self, *, device: str = "cuda", interval: float = 1.0, nvml: Any = None) -> None:
        self.device = device
        self._interval = interval
        self._series: dict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._process: Any = None
        self._gpu = _Gpu(device, nvml) if device.startswith("cuda") else None
        self._began = self._left = None
        self._began_cpu = self._left_cpu = 0.0

    def __enter__(self) -> Profiler:
        with contextlib.suppress(Exception):
            import psutil

            self._process = psutil.Process()
        self._began, self._began_cpu = time.monotonic(), time.process_time()
        self._previous = (self._began, self._began_cpu)
        if self._gpu:
            self._gpu.open()
        self._sample()
        threading.Thread(target=self._run, name="profiler", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._sample()
        self._left, self._left_cpu = time.monotonic(), time.process_time()
        if self._gpu:
            self._gpu.close()

    def result(self, *, images: int | None = None) -> dict[str, Any]:
        """The profile so far: seconds; processor in percent of one core; memory in bytes; GPU, or None; versions.

        `images` is the number of images worked on, for `images_per_second`.
        """
        if self._began is None:
            raise ValueError("Profiler.result: the block has not been entered; use `with Profiler() as profiler:`")
        if self._left is None:
            self._sample()
        seconds = (self._left or time.monotonic()) - self._began
        cpu_seconds = (self._left_cpu or time.process_time()) - self._began_cpu
        with self._lock:
            series = {key: list(values) for key, values in self._series.items()}
        mean_percent = 100 * cpu_seconds / seconds if seconds > 0 else 0.0
        return {
            "seconds": seconds,
            "images_per_second": images / seconds if images is not None and seconds > 0 else None,
            "device": self.device if self._gpu and self._gpu.found else "cpu",
            "cpu": {
                "seconds": cpu_seconds,
                "percent": {"mean": mean_percent, "max": max([*series.get("cpu_percent", []), mean_percent])},
                "cores": os.cpu_count(),
            },
            "memory": {"rss": _mean_and_max(series.get("rss")), "peak_rss": _peak_rss()},
            "gpu": self._gpu.result(series) if self._gpu and self._gpu.found else None,
            "versions": versions(),
        }

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._sample()

    def _sample(self) -> None:
        with self._lock, contextlib.suppress(Exception):
            now = (time.monotonic(), time.process_time())
            # Over a few milliseconds the clock of the processor is too coarse to divide by.
            if now[0] - self._previous[0] >= min(0.1, self._interval):
                self._series["cpu_percent"].append(100 * (now[1] - self._previous[1]) / (now[0] - self._previous[0]))
                self._previous = now
            if self._gpu and self._gpu.found:
                for key, value in self._gpu.sample(now[0]):
                    self._series[key].append(value)
            self._series["rss"].append(self._process.memory_info().rss)


class _Gpu:
    """One GPU by NVML; `found` is False without a driver or without the GPU."""

    def __init__(self, device: str, nvml: Any) -> None:
        self._device = device
        self._nvml = nvml
        self._energy = 0.0
        self._counter_start: int | None = None
        self._counter: int | None = None
        self._power: tuple[float, float] | None = None
        self._uuid: str | None = None
        self.found = False

    def open(self) -> None:
        with contextlib.suppress(Exception):
            self._nvml = self._nvml or importlib.import_module("pynvml")
            self._nvml.nvmlInit()
            self._handle = self._find()
            self._name = str(self._nvml.nvmlDeviceGetName(self._handle))
            self._driver = str(self._nvml.nvmlSystemGetDriverVersion())
            self.found = True
        with contextlib.suppress(Exception):
            self._uuid = str(self._nvml.nvmlDeviceGetUUID(self._handle))

    def close(self) -> None:
        if self.found:
            with contextlib.suppress(Exception):
                self._nvml.nvmlShutdown()

    def _find(self) -> Any:
        # NVML counts the machine's GPUs, the work counts those that it may see.
        visible = [entry.strip() for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if entry.strip()]
        index = int(self._device.partition(":")[2] or 0)
        entry = visible[index] if visible else str(index)
        if entry.isdecimal():
            return self._nvml.nvmlDeviceGetHandleByIndex(int(entry))
        return self._nvml.nvmlDeviceGetHandleByUUID(entry)

    def sample(self, now: float) -> Iterator[tuple[str, float]]:
        """What can be read of: utilisation in percent, memory in bytes, power in watt."""
        nvml, handle = self._nvml, self._handle
        readings: dict[str, Callable[[], float]] = {
            "gpu_utilization": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
            "gpu_memory": lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used,
            "gpu_power": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
        }
        for key, read in readings.items():
            with contextlib.suppress(Exception):
                value = read()
                if key == "gpu_power":
                    if self._power:
                        self._energy += (now - self._power[0]) * (value + self._power[1]) / 2
                    self._power = (now, value)
                yield key, value
        with contextlib.suppress(Exception):
            self._counter = nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            if self._counter_start is None:
                self._counter_start = self._counter

    def result(self, series: dict[str, list[float]]) -> dict[str, Any]:
        """Energy in joule: by the GPU's own counter, else the integral of the power."""
        counted = self._counter is not None and self._counter_start is not None
        energy = (self._counter - self._counter_start) / 1000 if counted else self._energy if self._power else None
        return {
            "name": self._name,
            "uuid": self._uuid,
            "driver": self._driver,
            "utilization": _mean_and_max(series.get("gpu_utilization")),
            "memory": _mean_and_max(series.get("gpu_memory")),
            "power": _mean_and_max(series.get("gpu_power")),
            "energy": energy,
            "energy_by": None if energy is None else "counter" if counted else "power",
        }


def versions() -> dict[str, str]:
    """Versions of Python and of those libraries that are imported already; none is imported for this."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found[name] = str(version)
    return found


def _mean_and_max(values: list[float] | None) -> dict[str, float] | None:
    return {"mean": sum(values) / len(values), "max": max(values)} if values else None


def _peak_rss() -> int:
    # Linux counts in KiB, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
