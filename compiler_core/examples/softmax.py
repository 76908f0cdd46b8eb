"""Softmax of every row of a matrix in one pass: a row is read once, kept on the chip, and written once."""

import triton
import triton.language as tl


@triton.jit
def softmax_kernel(out_ptr, in_ptr, in_row_stride, out_row_stride, n_cols, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)  # BLOCK is the next power of two at or above n_cols
    mask = cols < n_cols

    # -inf beyond the row's end: exp gives 0 there, and the maximum is not disturbed
    x = tl.load(in_ptr + row * in_row_stride + cols, mask=mask, other=-float("inf"))

    # softmax does not change when a constant is subtracted; with the maximum, exp cannot overflow
    x = x - tl.max(x, axis=0)
    numerator = tl.exp(x)
    denominator = tl.sum(numerator, axis=0)
    tl.store(out_ptr + row * out_row_stride + cols, numerator / denominator, mask=mask)
