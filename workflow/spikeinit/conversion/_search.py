"""Compiled kernels of the threshold search; what they compute is derived in `spikeinit.conversion.thresholds`.

Sums over sorted values are kept as an unevaluated pair of float64 (high, low), about 32 digits, because the errors of
two thresholds differ by far less than the sums they are made of. Prefix sums are stored at the head of every block of
`BLOCK` values only; the rest of a block is added when it is asked for, so that the table of 10^8 values takes 25 MB
and stays in the cache.

Sums and search share this file because numba's cache of a compiled function sees changes in the function's own file
only: after an edit of sums that stood elsewhere the search would go on with the old ones.

Without the compiler all of this runs as plain Python. A single value of the arrays is therefore made float64 before it
is summed or compared: numba does so by itself, but numpy's float32 and a Python number make float32.
"""

from __future__ import annotations

import math

import numpy as np

from spikeinit.kernels.native import inlined, kernel

BLOCK = 64
FEW_KINKS = 8
"""An interval with no more candidates than this is searched by trying them all."""
LLOYD_STEPS = 100
RELATIVE_TOLERANCE = 1e-14
ABSOLUTE_TOLERANCE = 1e-16
"""In units of the error of the threshold 0: the mean of the activations (norm 1) or of their squares (norm 2)."""


@inlined
def _two_sum(a, b):
    """a + b exactly, as rounded sum and rounding error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@inlined
def _two_product(a, b):
    """a * b exactly, as rounded product and rounding error (Dekker, with Veltkamp's splitting)."""
    scaled = 134217729.0 * a
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    scaled = 134217729.0 * b
    b_high = scaled - (scaled - b)
    b_low = b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


@inlined
def _pair_sum(a_high, a_low, b_high, b_low):
    high, low = _two_sum(a_high, b_high)
    return _two_sum(high, low + a_low + b_low)


@inlined
def _pair_product(a_high, a_low, b_high, b_low):
    high, low = _two_product(a_high, b_high)
    return _two_sum(high, low + a_high * b_low + a_low * b_high)


@kernel
def block_sums(values):
    """Pairs [blocks + 1, 2]: the sum of all values before each block; the last row is the sum of all."""
    blocks = (values.size + BLOCK - 1) // BLOCK
    heads = np.empty((blocks + 1, 2))
    high = 0.0
    low = 0.0
    for block in range(blocks):
        heads[block, 0] = high
        heads[block, 1] = low
        partial = 0.0
        for index in range(block * BLOCK, min((block + 1) * BLOCK, values.size)):
            partial += np.float64(values[index])
        high, low = _pair_sum(high, low, partial, 0.0)
    heads[blocks, 0] = high
    heads[blocks, 1] = low
    return heads


@kernel
def sum_of_squares(values):
    """The pair (high, low) of the sum of the squares."""
    high = 0.0
    low = 0.0
    for start in range(0, values.size, BLOCK):
        partial = 0.0
        for index in range(start, min(start + BLOCK, values.size)):
            value = np.float64(values[index])
            partial += value * value
        high, low = _pair_sum(high, low, partial, 0.0)
    return high, low


@inlined
def _prefix_sum(values, heads, rank):
    """The pair of the sum of the `rank` smallest values."""
    block = rank // BLOCK
    partial = 0.0
    for index in range(block * BLOCK, rank):
        partial += np.float64(values[index])
    return _pair_sum(heads[block, 0], heads[block, 1], partial, 0.0)


@inlined
def _count_up_to(values, level, low, high):
    """Number of sorted values <= level, known to lie in low .. high."""
    while low < high:
        middle = (low + high) // 2
        if np.float64(values[middle]) <= level:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _measure(values, heads, squares, norm, timesteps, threshold, low, high, ranks):
    """F and the two numbers that bound its slope, for one threshold; fills `ranks`, known to lie in low .. high.

    norm 1: F = N T C_1, then the weighted counts below the whole levels and below the half levels.
    norm 2: F = N T^2 C_2, then K and M.
    """
    number = values.size
    all_high = heads[-1, 0]
    all_low = heads[-1, 1]
    if norm == 1:
        sum_high = all_high
        sum_low = all_low
        whole = 0
        half = 0
        for index in range(2 * timesteps):
            numerator = index + 1
            rank = _count_up_to(values, numerator * threshold / (2 * timesteps), low[index], high[index])
            ranks[index] = rank
            part_high, part_low = _prefix_sum(values, heads, rank)
            if numerator % 2:
                half += numerator * rank
                sum_high, sum_low = _pair_sum(sum_high, sum_low, 2 * part_high, 2 * part_low)
            else:
                whole += numerator * rank
                sum_high, sum_low = _pair_sum(sum_high, sum_low, -2 * part_high, -2 * part_low)
        sum_high, sum_low = _pair_product(sum_high, sum_low, float(timesteps), 0.0)
        slope_high, slope_low = _two_product(threshold, float(whole - half - timesteps * number))
        sum_high, sum_low = _pair_sum(sum_high, sum_low, slope_high, slope_low)
        return sum_high, float(whole), float(half)
    quadratic = timesteps * timesteps * number
    linear_high, linear_low = _pair_product(all_high, all_low, float(timesteps), 0.0)
    for index in range(timesteps):
        numerator = 2 * index + 1
        rank = _count_up_to(values, numerator * threshold / (2 * timesteps), low[index], high[index])
        ranks[index] = rank
        quadratic -= numerator * rank
        part_high, part_low = _prefix_sum(values, heads, rank)
        linear_high, linear_low = _pair_sum(linear_high, linear_low, -part_high, -part_low)
    square_high, square_low = _two_product(threshold, threshold)
    square_high, square_low = _pair_product(square_high, square_low, float(quadratic), 0.0)
    twice_high, twice_low = _two_product(threshold, -2.0 * timesteps)
    twice_high, twice_low = _pair_product(twice_high, twice_low, linear_high, linear_low)
    sum_high, sum_low = _pair_product(squares[0], squares[1], float(timesteps * timesteps), 0.0)
    sum_high, sum_low = _pair_sum(sum_high, sum_low, twice_high, twice_low)
    sum_high, sum_low = _pair_sum(sum_high, sum_low, square_high, square_low)
    return sum_high, float(quadratic), linear_high


@inlined
def _lower_bound(norm, timesteps, number, left, right):
    """Least value that F can take between two measured thresholds: `left` and `right` hold V, F and the two numbers."""
    if norm == 1:
        least = left[2] - right[3] - timesteps * number
        greatest = right[2] - left[3] - timesteps * number
    else:
        least = 2 * (left[0] * right[2] - timesteps * left[3])
        greatest = 2 * (right[0] * left[2] - timesteps * right[3])
    width = right[0] - left[0]
    if least >= 0:
        return left[1]
    if greatest <= 0:
        return right[1]
    step = (right[1] - left[1] - greatest * width) / (least - greatest)
    return left[1] + least * min(max(step, 0.0), width)


@inlined
def _kinks(values, timesteps, low, high):
    """Candidates of norm 1 between two thresholds with ranks `low` and `high`: how many, the least and the greatest.

    Counting stops beyond `FEW_KINKS`; equal values count once.
    """
    count = 0
    least = math.inf
    greatest = 0.0
    for level in range(1, timesteps + 1):
        first = low[2 * level - 1]
        end = high[2 * level - 1]
        if first == end:
            continue
        least = min(least, timesteps * np.float64(values[first]) / level)
        greatest = max(greatest, timesteps * np.float64(values[end - 1]) / level)
        while first < end and count <= FEW_KINKS:
            count += 1
            first = _count_up_to(values, values[first], first, end)
    return count, least, greatest


@inlined
def _equal(one, other):
    for index in range(one.size):  # noqa: SIM110 (faster to compile)
        if one[index] != other[index]:
            return False
    return True


@inlined
def _copy(source, start, target, place, count):
    """target[place : place + count] = source[start : start + count].

    As slices it would be as fast, but numba would take seconds to compile the message for slices of two lengths.
    """
    for index in range(count):
        target[place + index] = source[start + index]


@inlined
def _with_room(stack, needed):
    rows, columns = stack.shape
    if needed <= rows:
        return stack
    larger = np.empty((2 * rows, columns), stack.dtype)
    for row in range(rows):
        _copy(stack[row], 0, larger[row], 0, columns)
    return larger


@inlined
def _goal(best, floor):
    """The F below which a threshold counts as better than the best so far."""
    return best - RELATIVE_TOLERANCE * abs(best) - floor if best < math.inf else best


@inlined
def _push(reals, integers, top, left, right, bound, first, end, low, high):
    """Put an interval on the stack: its two measured ends, its bound, the samples first .. end inside, its ranks."""
    levels = low.size
    _copy(left, 0, reals[top], 0, 4)
    _copy(right, 0, reals[top], 4, 4)
    reals[top, 8] = bound
    integers[top, 0] = first
    integers[top, 1] = end
    _copy(low, 0, integers[top], 2, levels)
    _copy(high, 0, integers[top], 2 + levels, levels)


@inlined
def _try_kinks(values, heads, squares, norm, timesteps, low, high, best_threshold, best, floor):
    """The best of the candidates of norm 1 between two thresholds with ranks `low` and `high`, and of the best so far.

    Here and in `_descend` the norm is an argument because a constant would have the error compiled anew for it.
    """
    scratch = np.empty_like(low)
    for level in range(1, timesteps + 1):
        index = low[2 * level - 1]
        end = high[2 * level - 1]
        while index < end:
            kink = timesteps * np.float64(values[index]) / level
            error, _, _ = _measure(values, heads, squares, norm, timesteps, kink, low, high, scratch)
            if error < _goal(best, floor):
                best_threshold = kink
                best = error
            index = _count_up_to(values, values[index], index, end)
    return best_threshold, best


@inlined
def _descend(values, heads, squares, norm, timesteps, low, high, best_threshold, best, floor):
    """Norm 2: Lloyd's iteration from the best so far, while it improves by more than the tolerance."""
    scratch = np.empty_like(low)
    _, quadratic, linear = _measure(values, heads, squares, norm, timesteps, best_threshold, low, high, scratch)
    for _ in range(LLOYD_STEPS):
        if quadratic == 0:
            break
        stationary = timesteps * linear / quadratic
        error, quadratic, linear = _measure(values, heads, squares, norm, timesteps, stationary, low, high, scratch)
        if error >= _goal(best, floor):
            break
        best_threshold = stationary
        best = error
    return best_threshold, best


@kernel
def search(values, heads, squares, norm, timesteps, everywhere, best_threshold, best):
    """The threshold with the least F among the values, or among all positive numbers if `everywhere`, and that F.

    Branch and bound: an interval whose lower bound is not below the best F so far is dropped, others are split.
    The best so far is replaced only by one better than the tolerance, so a good start (`best_threshold`, `best`) stays.
    """
    number = values.size
    levels = 2 * timesteps if norm == 1 else timesteps
    none = np.zeros(levels, np.int64)
    every = np.empty(levels, np.int64)
    for level in range(levels):
        every[level] = number
    ranks = np.empty(levels, np.int64)
    reals = np.empty((64, 9))
    integers = np.empty((64, 2 + 2 * levels), np.int64)
    # A measured threshold: V, F and the two numbers that bound the slope.
    left = np.empty(4)
    middle = np.empty(4)
    right = np.empty(4)

    zero_error, _, _ = _measure(values, heads, squares, norm, timesteps, 0.0, none, every, ranks)
    floor = ABSOLUTE_TOLERANCE * zero_error
    left[0] = 0.0 if everywhere else values[0]
    right[0] = timesteps * np.float64(values[-1]) if everywhere else values[-1]
    low = np.empty(levels, np.int64)
    high = np.empty(levels, np.int64)
    left[1], left[2], left[3] = _measure(values, heads, squares, norm, timesteps, left[0], none, every, low)
    right[1], right[2], right[3] = _measure(values, heads, squares, norm, timesteps, right[0], none, every, high)
    if left[0] > 0 and left[1] < _goal(best, floor):
        best_threshold, best = left[0], left[1]
    if right[1] < _goal(best, floor):
        best_threshold, best = right[0], right[1]
    first = _count_up_to(values, left[0], 0, number)
    end = _count_up_to(values, np.nextafter(right[0], 0.0), 0, number)
    bound = _lower_bound(norm, timesteps, number, left, right)
    top = 0
    _push(reals, integers, top, left, right, bound, first, end, low, high)
    top += 1

    while top:
        top -= 1
        if reals[top, 8] >= _goal(best, floor):
            continue
        _copy(reals[top], 0, left, 0, 4)
        _copy(reals[top], 4, right, 0, 4)
        first = integers[top, 0]
        end = integers[top, 1]
        _copy(integers[top], 2, low, 0, levels)
        _copy(integers[top], 2 + levels, high, 0, levels)

        if not everywhere:
            if first >= end:
                continue
            middle[0] = values[(first + end) // 2]
        else:
            if norm == 1:
                count, least, greatest = _kinks(values, timesteps, low, high)
                if count <= FEW_KINKS or greatest - least <= 1e-15 * greatest:
                    best_threshold, best = _try_kinks(
                        values, heads, squares, norm, timesteps, low, high, best_threshold, best, floor
                    )
                    continue
            elif _equal(low, high):
                if right[2] > 0:
                    stationary = min(max(timesteps * right[3] / right[2], left[0]), right[0])
                    error, _, _ = _measure(values, heads, squares, norm, timesteps, stationary, low, high, ranks)
                    if error < _goal(best, floor):
                        best_threshold, best = stationary, error
                continue
            if left[0] > 0 and right[0] > 4 * left[0]:
                middle[0] = math.sqrt(left[0]) * math.sqrt(right[0])
            else:
                middle[0] = 0.5 * (left[0] + right[0])
            if not left[0] < middle[0] < right[0]:
                continue

        middle[1], middle[2], middle[3] = _measure(values, heads, squares, norm, timesteps, middle[0], low, high, ranks)
        if middle[1] < _goal(best, floor):
            best_threshold, best = middle[0], middle[1]
            if everywhere and norm == 2:
                best_threshold, best = _descend(
                    values, heads, squares, norm, timesteps, none, every, best_threshold, best, floor
                )

        reals = _with_room(reals, top + 2)
        integers = _with_room(integers, top + 2)
        below = _lower_bound(norm, timesteps, number, left, middle)
        above = _lower_bound(norm, timesteps, number, middle, right)
        middle_first = _count_up_to(values, middle[0], first, end)
        middle_end = _count_up_to(values, np.nextafter(middle[0], 0.0), first, end)
        # The half with the lower bound is pushed last and so searched first.
        if below <= above:
            _push(reals, integers, top, middle, right, above, middle_first, end, ranks, high)
            _push(reals, integers, top + 1, left, middle, below, first, middle_end, low, ranks)
        else:
            _push(reals, integers, top, left, middle, below, first, middle_end, low, ranks)
            _push(reals, integers, top + 1, middle, right, above, middle_first, end, ranks, high)
        top += 2
    return best_threshold, best


@kernel
def one_step_threshold(values):
    """The threshold with the least C_1 at T = 1: for every split the upper median, in one pass (Algorithm 1)."""
    number = values.size
    middle = number // 2
    between_high = 0.0
    between_low = 0.0
    for index in range(middle):
        between_high, between_low = _pair_sum(between_high, between_low, np.float64(values[index]), 0.0)
    best = math.inf
    best_threshold = np.float64(values[middle])
    for split in range(number):
        weight = 2 * middle - split - number
        error_high, error_low = _two_product(np.float64(values[middle]), float(weight))
        error_high, error_low = _pair_sum(error_high, error_low, -2 * between_high, -2 * between_low)
        if error_high < best:
            best = error_high
            best_threshold = np.float64(values[middle])
        between_high, between_low = _pair_sum(between_high, between_low, -np.float64(values[split]), 0.0)
        following = split + 1 + (number - split - 1) // 2
        if following > middle:
            between_high, between_low = _pair_sum(between_high, between_low, np.float64(values[middle]), 0.0)
            middle = following
    return best_threshold


@kernel
def error_sum(values, timesteps, threshold, initial_fraction, norm):
    """Sum over `values` of |a - Q(a)|^norm, straight from the definition of Q."""
    total = 0.0
    for index in range(values.size):
        value = np.float64(values[index])
        spikes = min(max(np.floor(value * timesteps / threshold + initial_fraction), 0.0), float(timesteps))
        difference = abs(value - spikes * threshold / timesteps)
        total += difference if norm == 1 else difference * difference
    return total
