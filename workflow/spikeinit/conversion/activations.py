"""A layer's positive activations as a stream, in bounded memory.

Up to `limit` positive values are kept, all of them, and the summary is exact. Beyond, it is the deterministic quantile
sketch of Munro & Paterson (1980) and Manku, Rajagopalan & Lindsay (1998) with the lazy compaction of Karnin, Lang &
Liberty (2016): values of weight 1 lie in level 0, those of weight 2^k in level k. When `limit` values are held, one
level is sorted and of every neighbouring pair one value goes up, at twice the weight: the lower of all pairs, the next
time on that level the upper. It is the level that holds most, at least limit / L of L levels.

**Error.** A pair of weight w that straddles x is counted as 2w or 0 instead of w, and a sorted level has at most one
such pair. So one compaction changes the number of values <= x by between 0 and +w (lower kept) or between -w and 0
(upper kept), whatever the values and their order. The sums of these bounds over all compactions are kept; they are
proven, not estimated, and depend only on how many values came: 13 / limit, 27 / limit and 43 / limit, as a fraction of
the n values, for n / limit = 32, 256 and 2048, and below L^2 / (2 limit). `values()` reads the sketch at `limit`
equally spaced ranks, which adds at most half a rank of `limit`. Sampling at random would need no compaction, but its
error, sqrt(log(2/p) / (2 limit)), is far larger (0.0016 at limit = 2^20, p = 1 %), and likely rather than certain.

**What that means for a threshold.** |a - Q(a)| changes with slope 1 or -1 in a, so its total variation over the
activations is max a, and by Koksma's inequality an error `rank_error` in the distribution changes C_1(V) by at most
rank_error * max a, for every V.

The result does not depend on how the stream is cut into updates. Counts, maximum and histogram are exact, and the mean
is up to float64 rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikeinit.conversion._values import flat_values, is_tensor, sort_positive

DEFAULT_LIMIT = 1 << 20
SMALLEST_LIMIT = 128
STEP = 1 << 20
"""Bins of the histogram are this many float32 numbers wide: eight equal parts of every power of two."""
BINS = 2040


class ActivationSummary:
    """Distribution of positive activations in at most `limit` float32 values (4 bytes each) and a fixed histogram.

    ValueError if limit is below 128.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        if limit < SMALLEST_LIMIT:
            raise ValueError(f"limit={limit}; a summary keeps at least {SMALLEST_LIMIT} values")
        self.limit = int(limit)
        self.total = 0
        """Number of all activations seen, silent ones included."""
        self.count = 0
        """Number of positive ones among them."""
        self.maximum = 0.0
        """The largest activation; 0 if none is positive."""
        self._sum = 0.0
        self._histogram = np.zeros(BINS, dtype=np.int64)
        self._levels: list[list[np.ndarray]] = [[]]
        self._keep_upper = [False]
        self._held = 0
        self._overcount = 0
        self._undercount = 0

    @property
    def mean(self) -> float:
        """Mean of the positive activations; NaN if there is none."""
        return self._sum / self.count if self.count else float("nan")

    @property
    def exact(self) -> bool:
        """Whether every positive value is still held."""
        return len(self._levels) == 1

    @property
    def rank_error(self) -> float:
        """Bound of |G(x) - F(x)| for all x: G is the distribution function of `values()`, F of all positive values."""
        if self.exact:
            return 0.0
        return max(self._overcount, self._undercount) / self.count + 0.5 / self.limit

    def update(self, values: Any) -> None:
        """Take in activations: a numpy array or torch tensor of any shape, zeros and negative values counted as silent.

        They are held as float32. ValueError for NaN and infinite values, which leave the summary as it was.
        """
        everything = flat_values(values)
        array = everything
        if array.dtype != np.float32:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused
                array = flat_values(array.astype(np.float32))
        positive = array[array > 0]
        self.total += everything.size
        if positive.size == 0:
            return
        self.count += positive.size
        self.maximum = max(self.maximum, float(positive.max()))
        self._sum += float(positive.sum(dtype=np.float64))
        self._histogram += np.bincount(positive.view(np.uint32) // STEP, minlength=BINS)
        while positive.size:
            room = self.limit - self._held
            if room == 0:
                self._compact()
                continue
            self._add(0, positive[:room].copy())
            positive = positive[room:]

    def merge(self, other: ActivationSummary) -> None:
        """Take in everything another summary has seen; `other` stays as it is. The bounds of both add up."""
        self.total += other.total
        self.count += other.count
        self.maximum = max(self.maximum, other.maximum)
        self._sum += other._sum
        self._histogram += other._histogram
        self._overcount += other._overcount
        self._undercount += other._undercount
        for level, parts in enumerate(other._levels):
            for part in parts:
                self._add(level, part)
        while self._held > self.limit:
            self._compact()

    def values(self) -> np.ndarray:
        """Sorted float32 values of equal weight: all positive ones while `exact`, else `limit` of their quantiles."""
        parts = [np.concatenate(level) if level else np.empty(0, np.float32) for level in self._levels]
        if self.exact:
            return sort_positive(parts[0])
        held = np.concatenate(parts)
        weights = np.repeat(2 ** np.arange(len(parts), dtype=np.int64), [part.size for part in parts])
        order = np.argsort(held)
        ranks = np.cumsum(weights[order])
        wanted = (np.arange(self.limit) + 0.5) * (self.count / self.limit)
        return held[order][np.searchsorted(ranks, wanted)]

    def histogram(self) -> tuple[np.ndarray, np.ndarray]:
        """Edges float64 [bins + 1] and counts int64 [bins] of the positive values; bin k: edges[k] <= a < edges[k + 1].

        Every power of two is cut into eight equal bins. Bins outside the occupied range are left away.
        """
        occupied = np.flatnonzero(self._histogram)
        if occupied.size == 0:
            return np.zeros(1), np.zeros(0, dtype=np.int64)
        first, end = int(occupied[0]), int(occupied[-1]) + 1
        edges = (np.arange(first, end + 1, dtype=np.uint32) * np.uint32(STEP)).view(np.float32).astype(np.float64)
        if end == BINS:
            edges[-1] = 2.0**128
        return edges, self._histogram[first:end].copy()

    def state(self) -> dict[str, np.ndarray]:
        """Everything the summary holds, as arrays that any tensor file can store; `from_state` is the inverse."""
        sizes = [sum(part.size for part in level) for level in self._levels]
        held = [part for level in self._levels for part in level]
        return {
            "counts": np.array([self.limit, self.total, self.count, self._overcount, self._undercount], dtype=np.int64),
            "sum_and_maximum": np.array([self._sum, self.maximum], dtype=np.float64),
            "histogram": self._histogram.copy(),
            "level_sizes": np.array(sizes, dtype=np.int64),
            "keep_upper": np.array(self._keep_upper, dtype=np.uint8),
            "held": np.concatenate(held) if held else np.empty(0, np.float32),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ActivationSummary:
        """The summary whose `state` that was; numpy arrays or CPU tensors. ValueError if it is not one."""
        try:
            arrays = {
                name: np.asarray(state[name])
                for name in ("counts", "sum_and_maximum", "histogram", "level_sizes", "keep_upper", "held")
            }
        except KeyError as error:
            raise ValueError(f"not the state of an activation summary: {error} is missing") from None
        limit, total, count, overcount, undercount = (int(number) for number in arrays["counts"])
        sizes = arrays["level_sizes"]
        weight = int((sizes * 2 ** np.arange(sizes.size)).sum())
        if weight != count or int(arrays["histogram"].sum()) != count or int(sizes.sum()) != arrays["held"].size:
            raise ValueError("not the state of an activation summary: its counts contradict one another")
        summary = cls(limit)
        summary.total, summary.count = total, count
        summary._overcount, summary._undercount = overcount, undercount
        summary._sum, summary.maximum = (float(number) for number in arrays["sum_and_maximum"])
        summary._histogram = arrays["histogram"].astype(np.int64)
        for level, part in enumerate(np.split(arrays["held"].astype(np.float32), np.cumsum(sizes)[:-1])):
            summary._add(level, part)
        summary._keep_upper = [bool(upper) for upper in arrays["keep_upper"]]
        return summary

    def _add(self, level: int, part: np.ndarray) -> None:
        while len(self._levels) <= level:
            self._levels.append([])
            self._keep_upper.append(False)
        if part.size:
            self._levels[level].append(part)
            self._held += part.size

    def _compact(self) -> None:
        """Halve the level that holds most, the lowest of them if there are several."""
        sizes = [sum(part.size for part in level) for level in self._levels]
        level = sizes.index(max(sizes))
        values = sort_positive(np.concatenate(self._levels[level]))
        paired = values.size - values.size % 2
        upper = self._keep_upper[level]
        self._levels[level] = [values[paired:]] if paired < values.size else []
        self._held -= paired
        self._keep_upper[level] = not upper
        if upper:
            self._undercount += 2**level
        else:
            self._overcount += 2**level
        self._add(level + 1, values[upper:paired:2].copy())


def update_channels(summaries: Sequence[ActivationSummary], values: Any, *, axis: int = 1) -> None:
    """Take activations [.., channels, ..] into one summary per channel, channels along `axis` (1 in [N, C, H, W]).

    ValueError if the number of channels is not that of `summaries`, and as in `ActivationSummary.update`.
    """
    if values.shape[axis] != len(summaries):
        raise ValueError(f"{values.shape[axis]} channels along axis {axis} for {len(summaries)} summaries")
    if is_tensor(values):
        values = values.detach().cpu()
        channels = list(values.unbind(axis))
    else:
        channels = list(np.moveaxis(values, axis, 0))
    for summary, channel in zip(summaries, channels, strict=True):
        summary.update(channel)


def merged(summaries: Sequence[ActivationSummary], limit: int = DEFAULT_LIMIT) -> ActivationSummary:
    """One summary of all that `summaries` have seen, for instance a layer's from those of its channels."""
    whole = ActivationSummary(limit)
    for summary in summaries:
        whole.merge(summary)
    return whole
