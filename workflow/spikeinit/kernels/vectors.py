"""Vector operations for compiled loops, spelt out because the compiler does not find them by itself.

Numba cannot promise LLVM that two arrays do not overlap, and tests that anew for every row it adds; for rows of 16 or
32 values the test costs more than the sum. These functions state the vectors. All arrays are contiguous, rows are
padded to whole vectors, and indices are trusted.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikeinit.kernels.native import inlined

LANES = 16
"""Values of one vector; on a machine with shorter ones LLVM takes several."""


@intrinsic
def trailing_zeros(typingctx, bits):
    """Number of zeros below the lowest set bit of a non-zero uint32, as intp."""

    def generate(context, builder, signature, arguments):
        count = builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(count, context.get_value_type(types.intp))

    return types.intp(types.uint32), generate


@intrinsic
def nonzero_lanes(typingctx, values, first):
    """Which of values[first : first + LANES] are not zero, as the bits of a uint32."""

    def generate(context, builder, signature, arguments):
        start = builder.gep(_data(context, builder, signature, arguments, 0), [arguments[1]])
        vector = _load(builder, start)
        differs = builder.fcmp_unordered("!=", vector, ir.Constant(vector.type, None))
        return builder.zext(builder.bitcast(differs, ir.IntType(LANES)), ir.IntType(32))

    return types.uint32(values, types.intp), generate


@intrinsic
def copy(typingctx, source, start, target, place, count):
    """target[place : place + count] = source[start : start + count], as a plain copy of memory; of one type, apart.

    As slices it would be as fast, but numba would take seconds to compile the message for slices of two lengths.
    """

    def generate(context, builder, signature, arguments):
        source, target = (_data(context, builder, signature, arguments, index) for index in (0, 2))
        start, place, count = (arguments[index] for index in (1, 3, 4))
        size = context.get_constant(types.intp, context.get_abi_sizeof(source.type.pointee))
        cgutils.raw_memcpy(builder, builder.gep(target, [place]), builder.gep(source, [start]), count, size)
        return context.get_dummy_value()

    return types.none(source, types.intp, target, types.intp, types.intp), generate


def _gather(vectors):
    @intrinsic
    def gather(typingctx, total, table, length, row, factor, first, last, shift, begin):
        """total[begin:] += the sum over first <= e < last of factor[e] * table[row[e] + shift, begin:], `vectors` long.

        `length` is that of a row of the table.
        """

        def generate(context, builder, signature, arguments):
            length, first, last, shift, begin = (arguments[index] for index in (2, 5, 6, 7, 8))
            total, table, row, factor = (_data(context, builder, signature, arguments, at) for at in (0, 1, 3, 4))
            goal = builder.gep(total, [begin])
            sums = [cgutils.alloca_once_value(builder, _load(builder, goal, k)) for k in range(vectors)]
            with cgutils.for_range_slice(builder, first, last, first.type(1)) as (event, _):
                source = builder.gep(table, [_row_start(builder, row, event, shift, length, begin)])
                scale = _splat(builder, builder.load(builder.gep(factor, [event])))
                for k, cell in enumerate(sums):
                    builder.store(_fused(builder, scale, _load(builder, source, k), builder.load(cell)), cell)
            for k, cell in enumerate(sums):
                _store(builder, builder.load(cell), goal, k)
            return context.get_dummy_value()

        integer = types.intp
        return types.none(total, table, integer, row, factor, integer, integer, integer, integer), generate

    return gather


def _add(vectors):
    @intrinsic
    def add(typingctx, table, length, row, factor, first, last, shift, begin, values):
        """table[row[e] + shift, begin:] += factor[e] * values[begin:] for first <= e < last, `vectors` long."""

        def generate(context, builder, signature, arguments):
            length, first, last, shift, begin = (arguments[index] for index in (1, 4, 5, 6, 7))
            table, row, factor, values = (
                _data(context, builder, signature, arguments, index) for index in (0, 2, 3, 8)
            )
            here = builder.gep(values, [begin])
            added = [_load(builder, here, k) for k in range(vectors)]
            with cgutils.for_range_slice(builder, first, last, first.type(1)) as (event, _):
                goal = builder.gep(table, [_row_start(builder, row, event, shift, length, begin)])
                scale = _splat(builder, builder.load(builder.gep(factor, [event])))
                for k, vector in enumerate(added):
                    _store(builder, _fused(builder, scale, vector, _load(builder, goal, k)), goal, k)
            return context.get_dummy_value()

        integer = types.intp
        return types.none(table, integer, row, factor, integer, integer, integer, integer, values), generate

    return add


def _multiply(vectors):
    @intrinsic
    def multiply(typingctx, goal_0, at_0, goal_1, at_1, table, start, length, factors, factors_0, factors_1, count):
        """Two sums at once, so that each row of the table is read once for both and more sums are under way:

        goal_p[at_p:] += the sum over m < count of factors[factors_p + m] * table[start + m * length:], `vectors` long,
        for p = 0 and then p = 1. All arrays are flat; the goals may overlap.
        """

        def generate(context, builder, signature, arguments):
            goals = [_data(context, builder, signature, arguments, at) for at in (0, 2)]
            table, factors = (_data(context, builder, signature, arguments, at) for at in (4, 7))
            starts, start, length = (arguments[1], arguments[3]), arguments[5], arguments[6]
            first_factor, count = (arguments[8], arguments[9]), arguments[10]
            nothing = ir.Constant(ir.VectorType(table.type.pointee, LANES), None)
            sums = [[cgutils.alloca_once_value(builder, nothing) for _ in range(vectors)] for _ in goals]
            with cgutils.for_range(builder, count) as loop:
                source = builder.gep(table, [builder.add(start, builder.mul(loop.index, length))])
                rows = [_load(builder, source, k) for k in range(vectors)]
                for cells, first in zip(sums, first_factor, strict=True):
                    scale = _splat(builder, builder.load(builder.gep(factors, [builder.add(first, loop.index)])))
                    for row, cell in zip(rows, cells, strict=True):
                        builder.store(_fused(builder, scale, row, builder.load(cell)), cell)
            for cells, goal, position in zip(sums, goals, starts, strict=True):
                here = builder.gep(goal, [position])
                for k, cell in enumerate(cells):
                    _store(builder, builder.fadd(_load(builder, here, k), builder.load(cell)), here, k)
            return context.get_dummy_value()

        i = types.intp
        return types.none(goal_0, i, goal_1, i, table, i, i, factors, i, i, i), generate

    return multiply


_multiply_1, _multiply_2, _multiply_3, _multiply_4 = _multiply(1), _multiply(2), _multiply(3), _multiply(4)
_gather_1, _gather_2, _gather_4 = _gather(1), _gather(2), _gather(4)
_add_1, _add_2, _add_4 = _add(1), _add(2), _add(4)


@inlined
def on_image(size, kernel, stride, padding, position):
    """Along one axis of a convolution: the range of kernel entries that lie on the image at output `position`."""
    start = position * stride - padding
    return max(0, -start), min(kernel, size - start)


@inlined
def gather_rows(total, table, row, factor, first, last, shift, begin, end):
    """total += the sum over first <= e < last of factor[e] * table[row[e] + shift], in the columns [begin, end)."""
    length = table.shape[1]
    while begin < end:
        if begin + 3 * LANES < end:
            _gather_4(total, table, length, row, factor, first, last, shift, begin)
            begin += 4 * LANES
        elif begin + LANES < end:
            _gather_2(total, table, length, row, factor, first, last, shift, begin)
            begin += 2 * LANES
        else:
            _gather_1(total, table, length, row, factor, first, last, shift, begin)
            begin += LANES


@inlined
def add_to_rows(table, row, factor, first, last, shift, begin, end, values):
    """table[row[e] + shift] += factor[e] * values for first <= e < last, in the columns [begin, end)."""
    length = table.shape[1]
    while begin < end:
        if begin + 3 * LANES < end:
            _add_4(table, length, row, factor, first, last, shift, begin, values)
            begin += 4 * LANES
        elif begin + LANES < end:
            _add_2(table, length, row, factor, first, last, shift, begin, values)
            begin += 2 * LANES
        else:
            _add_1(table, length, row, factor, first, last, shift, begin, values)
            begin += LANES


@inlined
def multiply_rows(goal_0, at_0, goal_1, at_1, table, start, length, factors, factors_0, factors_1, count, size):
    """goal_p[at_p + i] += the sum over m < count of factors[factors_p + m] * table[start + m * length + i], i < size.

    For p = 0 and then p = 1, whose goals may overlap; all arrays flat, `size` a multiple of LANES.
    """
    for done in range(0, size, 4 * LANES):
        vectors = min(4, (size - done) // LANES)
        goals = (goal_0, at_0 + done, goal_1, at_1 + done)
        rest = (table, start + done, length, factors, factors_0, factors_1, count)
        if vectors == 4:
            _multiply_4(*goals, *rest)
        elif vectors == 3:
            _multiply_3(*goals, *rest)
        elif vectors == 2:
            _multiply_2(*goals, *rest)
        else:
            _multiply_1(*goals, *rest)


def _data(context, builder, signature, arguments, index):
    """Where the values of an array argument begin."""
    return context.make_array(signature.args[index])(context, builder, arguments[index]).data


def _row_start(builder, row, index, shift, length, begin):
    """The position in a table of column `begin` of row `row[index] + shift`."""
    number = builder.add(builder.sext(builder.load(builder.gep(row, [index])), length.type), shift)
    return builder.add(builder.mul(number, length), begin)


def _vector_pointer(builder, pointer, k):
    element = pointer.type.pointee
    shifted = builder.gep(pointer, [ir.Constant(ir.IntType(64), k * LANES)])
    return builder.bitcast(shifted, ir.VectorType(element, LANES).as_pointer())


def _load(builder, pointer, k=0):
    vector = builder.load(_vector_pointer(builder, pointer, k))
    vector.align = 4
    return vector


def _store(builder, vector, pointer, k):
    builder.store(vector, _vector_pointer(builder, pointer, k)).align = 4


def _fused(builder, factor, vector, added):
    """factor * vector + added, rounded once where the processor can."""
    flags = ("contract",)
    return builder.fadd(builder.fmul(factor, vector, flags=flags), added, flags=flags)


def _splat(builder, value):
    kind = ir.VectorType(value.type, LANES)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), zeros)
