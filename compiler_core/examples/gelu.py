"""GELU of a vector, with the error function: x · Φ(x), where Φ is the normal distribution's."""

import triton
import triton.language as tl

INVERSE_SQRT_2: tl.constexpr = 0.7071067811865476


@triton.jit
def gelu(x):
    return 0.5 * x * (1 + tl.erf(x * INVERSE_SQRT_2))


@triton.jit
def gelu_kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask, other=0.0)
    tl.store(out_ptr + offsets, gelu(x), mask=mask)
