"""RMS normalisation of rows: divided by the root of their mean square, then scaled column by column."""

import triton
import triton.language as tl


@triton.jit
def rms_norm_kernel(x_ptr, out_ptr, weight_ptr, stride, n_cols, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)  # a whole row at once
    mask = cols < n_cols
    x = tl.load(x_ptr + row * stride + cols, mask=mask, other=0.0).to(tl.float32)
    mean_square = tl.sum(x * x, axis=0) / n_cols
    weight = tl.load(weight_ptr + cols, mask=mask, other=0.0)
    tl.store(out_ptr + row * stride + cols, x * tl.rsqrt(mean_square + eps) * weight, mask=mask)
