"""Triton kernels for the vendor's compiler, as people write them: `vendor.py` says how each is compiled and launched."""

import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask)
    y = tl.load(y_ptr + at, mask=mask)
    tl.store(out_ptr + at, x + y, mask=mask)


@triton.jit
def add_bf16(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """In fp32, because Triton's interpreter takes bfloat16 numbers for the words they are kept in."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask).to(tl.float32)
    y = tl.load(y_ptr + at, mask=mask).to(tl.float32)
    tl.store(out_ptr + at, (x + y).to(tl.bfloat16), mask=mask)


@triton.jit
def softmax(out_ptr, in_ptr, in_stride, out_stride, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    x = tl.load(in_ptr + row * in_stride + at, mask=at < columns, other=-float("inf"))
    x = x - tl.max(x, axis=0)
    powers = tl.exp(x)
    tl.store(out_ptr + row * out_stride + at, powers / tl.sum(powers, axis=0), mask=at < columns)


@triton.jit
def softmax_rows(out_ptr, in_ptr, rows, columns, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    first = tl.program_id(0) * ROWS
    row = first + tl.arange(0, ROWS)
    at = tl.arange(0, BLOCK)
    mask = (row[:, None] < rows) & (at[None, :] < columns)
    x = tl.load(in_ptr + row[:, None] * columns + at[None, :], mask=mask, other=-float("inf")).to(tl.float32)
    x = x - tl.max(x, axis=1)[:, None]
    powers = tl.exp(x)
    y = powers / tl.sum(powers, axis=1)[:, None]
    tl.store(out_ptr + row[:, None] * columns + at[None, :], y.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def layer_norm(x_ptr, y_ptr, weight_ptr, bias_ptr, mean_ptr, rstd_ptr, stride, columns, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + row * stride + at, mask=at < columns, other=0.0).to(tl.float32)
    mean = tl.sum(total, axis=0) / columns
    squares = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * stride + at, mask=at < columns, other=0.0).to(tl.float32)
        x = tl.where(at < columns, x - mean, 0.0)
        squares += x * x
    rstd = 1 / tl.sqrt(tl.sum(squares, axis=0) / columns + eps)
    tl.store(mean_ptr + row, mean)
    tl.store(rstd_ptr + row, rstd)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        mask = at < columns
        w = tl.load(weight_ptr + at, mask=mask)
        b = tl.load(bias_ptr + at, mask=mask)
        x = tl.load(x_ptr + row * stride + at, mask=mask, other=0.0).to(tl.float32)
        y = (x - mean) * rstd * w + b
        tl.store(y_ptr + row * stride + at, y.to(tl.float16), mask=mask)


@triton.jit
def rms_norm(x_ptr, weight_ptr, out_ptr, columns, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    mask = at < columns
    x = tl.load(x_ptr + row * columns + at, mask=mask, other=0.0).to(tl.float32)
    rstd = tl.rsqrt(tl.sum(x * x, axis=0) / columns + eps)
    w = tl.load(weight_ptr + at, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + row * columns + at, (x * rstd * w).to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def gelu(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask, other=0.0)
    tl.store(out_ptr + at, 0.5 * x * (1.0 + tl.erf(x * 0.7071067811865476)), mask=mask)


@triton.jit
def gelu_tanh(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask, other=0.0).to(tl.float32)
    inner = 0.7978845608 * (x + 0.044715 * x * x * x)
    y = x * tl.sigmoid(2.0 * inner)
    tl.store(out_ptr + at, y.to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def swiglu(gate_ptr, up_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    gate = tl.load(gate_ptr + at, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(up_ptr + at, mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + at, (gate / (1.0 + tl.exp(-gate)) * up).to(out_ptr.dtype.element_ty), mask=mask)


@triton.jit
def matmul(a_ptr, b_ptr, c_ptr, M, N, K, stride_am, stride_bk, stride_cm, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    om = tl.program_id(0) * BM + tl.arange(0, BM)
    on = tl.program_id(1) * BN + tl.arange(0, BN)
    ok = tl.arange(0, BK)
    a_at = a_ptr + om[:, None] * stride_am + ok[None, :]
    b_at = b_ptr + ok[:, None] * stride_bk + on[None, :]
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, tl.cdiv(K, BK)):
        a = tl.load(a_at, mask=(om[:, None] < M) & (ok[None, :] < K - k * BK), other=0.0)
        b = tl.load(b_at, mask=(on[None, :] < N) & (ok[:, None] < K - k * BK), other=0.0)
        acc = tl.dot(a, b, acc)
        a_at += BK
        b_at += BK * stride_bk
    mask = (om[:, None] < M) & (on[None, :] < N)
    tl.store(c_ptr + om[:, None] * stride_cm + on[None, :], acc.to(c_ptr.dtype.element_ty), mask=mask)


@triton.jit
def matmul_epilogue(a_ptr, b_ptr, bias_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    om = tl.program_id(0) * BM + tl.arange(0, BM)
    on = tl.program_id(1) * BN + tl.arange(0, BN)
    ok = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, tl.cdiv(K, BK)):
        rest = K - k * BK
        a_at = a_ptr + om[:, None] * K + (k * BK + ok[None, :])
        b_at = b_ptr + (k * BK + ok[:, None]) * N + on[None, :]
        a = tl.load(a_at, mask=(om[:, None] < M) & (ok[None, :] < rest), other=0.0)
        b = tl.load(b_at, mask=(on[None, :] < N) & (ok[:, None] < rest), other=0.0)
        acc = tl.dot(a, b, acc)
    acc += tl.load(bias_ptr + on, mask=on < N, other=0.0)[None, :]
    acc = acc / (1.0 + tl.exp(-1.702 * acc))
    mask = (om[:, None] < M) & (on[None, :] < N)
    tl.store(c_ptr + om[:, None] * N + on[None, :], acc.to(tl.float16), mask=mask)


@triton.jit
def linear(a_ptr, b_ptr, bias_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """One tile of the inner dimension: the bias goes with the product."""
    om = tl.program_id(0) * BM + tl.arange(0, BM)
    on = tl.program_id(1) * BN + tl.arange(0, BN)
    ok = tl.arange(0, BK)
    a = tl.load(a_ptr + om[:, None] * K + ok[None, :], mask=(om[:, None] < M) & (ok[None, :] < K), other=0.0)
    b = tl.load(b_ptr + ok[:, None] * N + on[None, :], mask=(on[None, :] < N) & (ok[:, None] < K), other=0.0)
    bias = tl.load(bias_ptr + on, mask=on < N, other=0.0)
    mask = (om[:, None] < M) & (on[None, :] < N)
    tl.store(c_ptr + om[:, None] * N + on[None, :], tl.dot(a, b) + bias[None, :], mask=mask)


@triton.jit
def matmul_int8(a_ptr, b_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    om = tl.program_id(0) * BM + tl.arange(0, BM)
    on = tl.program_id(1) * BN + tl.arange(0, BN)
    ok = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), dtype=tl.int32)
    for k in range(0, tl.cdiv(K, BK)):
        rest = K - k * BK
        a_at = a_ptr + om[:, None] * K + (k * BK + ok[None, :])
        b_at = b_ptr + (k * BK + ok[:, None]) * N + on[None, :]
        a = tl.load(a_at, mask=(om[:, None] < M) & (ok[None, :] < rest), other=0)
        b = tl.load(b_at, mask=(on[None, :] < N) & (ok[:, None] < rest), other=0)
        acc = tl.dot(a, b, acc, out_dtype=tl.int32)
    mask = (om[:, None] < M) & (on[None, :] < N)
    tl.store(c_ptr + om[:, None] * N + on[None, :], acc, mask=mask)


@triton.jit
def matmul_batched(a_ptr, b_ptr, c_ptr, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """The right-hand side is stored transposed, as weights are."""
    batch = tl.program_id(2)
    om = tl.program_id(0) * BM + tl.arange(0, BM)
    on = tl.program_id(1) * BN + tl.arange(0, BN)
    ok = tl.arange(0, BK)
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        a_at = a_ptr + batch * M * K + om[:, None] * K + (k + ok[None, :])
        b_at = b_ptr + batch * N * K + on[:, None] * K + (k + ok[None, :])
        a = tl.load(a_at, mask=(om[:, None] < M) & (k + ok[None, :] < K), other=0.0)
        b = tl.load(b_at, mask=(on[:, None] < N) & (k + ok[None, :] < K), other=0.0)
        acc += tl.dot(a, tl.trans(b))
    mask = (om[:, None] < M) & (on[None, :] < N)
    tl.store(c_ptr + batch * M * N + om[:, None] * N + on[None, :], acc, mask=mask)


@triton.jit
def attention(
    q_ptr, k_ptr, v_ptr, out_ptr, scale, length, BM: tl.constexpr, BN: tl.constexpr, D: tl.constexpr, CAUSAL: tl.constexpr
):
    """Flash attention in the form of Triton's tutorial: one head a program of axis 1, whole blocks of the sequence."""
    block = tl.program_id(0)
    base = tl.program_id(1) * length * D
    om = block * BM + tl.arange(0, BM)
    od = tl.arange(0, D)
    q = tl.load(q_ptr + base + om[:, None] * D + od[None, :])
    peak = tl.zeros([BM], dtype=tl.float32) - float("inf")
    weight = tl.zeros([BM], dtype=tl.float32)
    acc = tl.zeros([BM, D], dtype=tl.float32)
    last = length
    if CAUSAL:
        last = (block + 1) * BM
    for start in range(0, last, BN):
        on = start + tl.arange(0, BN)
        k = tl.load(k_ptr + base + on[:, None] * D + od[None, :])
        s = tl.dot(q, tl.trans(k)) * scale
        if CAUSAL:
            s = tl.where(om[:, None] >= on[None, :], s, -1.0e6)
        higher = tl.maximum(peak, tl.max(s, 1))
        p = tl.exp(s - higher[:, None])
        shrink = tl.exp(peak - higher)
        weight = weight * shrink + tl.sum(p, 1)
        acc = acc * shrink[:, None]
        v = tl.load(v_ptr + base + on[:, None] * D + od[None, :])
        acc += tl.dot(p.to(tl.float16), v)
        peak = higher
    acc = acc / weight[:, None]
    tl.store(out_ptr + base + om[:, None] * D + od[None, :], acc.to(tl.float16))


@triton.jit
def sum_atomic(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at, mask=at < n, other=0.0)
    tl.atomic_add(out_ptr, tl.sum(x, axis=0))


@triton.jit
def columns_atomic(x_ptr, total_ptr, highest_ptr, lowest_ptr, columns, BLOCK: tl.constexpr):
    """Every row is added to, and compared with, the same vectors."""
    at = tl.arange(0, BLOCK)
    mask = at < columns
    x = tl.load(x_ptr + tl.program_id(0) * columns + at, mask=mask, other=0)
    tl.atomic_add(total_ptr + at, x, mask=mask)
    tl.atomic_max(highest_ptr + at, x, mask=mask)
    tl.atomic_min(lowest_ptr + at, x, mask=mask)


@triton.jit
def sort_rows(x_ptr, out_ptr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.sort(tl.load(x_ptr + at)))


@triton.jit
def cumsum(x_ptr, out_ptr, rows, columns, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    at = tl.arange(0, BLOCK)
    mask = (row[:, None] < rows) & (at[None, :] < columns)
    where = row[:, None] * columns + at[None, :]
    x = tl.load(x_ptr + where, mask=mask, other=0.0)
    tl.store(out_ptr + where, tl.cumsum(x, axis=1), mask=mask)


@triton.jit
def cumprod(x_ptr, out_ptr, columns, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    where = tl.program_id(0) * columns + at
    x = tl.load(x_ptr + where, mask=at < columns, other=1.0)
    tl.store(out_ptr + where, tl.cumprod(x, axis=0), mask=at < columns)


@triton.jit
def ragged_sum(x_ptr, starts_ptr, out_ptr, BLOCK: tl.constexpr):
    """Rows of different lengths, one after another: row i is x[starts[i] : starts[i + 1]]."""
    row = tl.program_id(0)
    first = tl.load(starts_ptr + row)
    last = tl.load(starts_ptr + row + 1)
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(first, last, BLOCK):
        at = start + tl.arange(0, BLOCK)
        total += tl.load(x_ptr + at, mask=at < last, other=0.0)
    tl.store(out_ptr + row, tl.sum(total, axis=0))


@triton.jit
def embedding(ids_ptr, table_ptr, out_ptr, columns, BLOCK: tl.constexpr):
    token = tl.program_id(0)
    row = tl.load(ids_ptr + token)
    at = tl.arange(0, BLOCK)
    mask = at < columns
    tl.store(out_ptr + token * columns + at, tl.load(table_ptr + row * columns + at, mask=mask), mask=mask)


@triton.jit
def gather(ids_ptr, table_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Single elements from anywhere."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    ids = tl.load(ids_ptr + at, mask=mask, other=0)
    tl.store(out_ptr + at, tl.load(table_ptr + ids, mask=mask, other=0.0), mask=mask)


@triton.jit
def rope(x_ptr, cos_ptr, sin_ptr, out_ptr, heads, HALF: tl.constexpr):
    """A token's heads turned by its angles: halves, not pairs."""
    token = tl.program_id(0)
    at = tl.arange(0, HALF)
    c = tl.load(cos_ptr + token * HALF + at)
    s = tl.load(sin_ptr + token * HALF + at)
    for head in range(heads):
        base = (token * heads + head) * 2 * HALF
        first = tl.load(x_ptr + base + at).to(tl.float32)
        second = tl.load(x_ptr + base + HALF + at).to(tl.float32)
        tl.store(out_ptr + base + at, (first * c - second * s).to(tl.float16))
        tl.store(out_ptr + base + HALF + at, (second * c + first * s).to(tl.float16))


@triton.jit
def cross_entropy(logits_ptr, labels_ptr, loss_ptr, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    label = tl.load(labels_ptr + row)
    peak = -float("inf")
    total = 0.0
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        x = tl.load(logits_ptr + row * columns + at, mask=at < columns, other=-float("inf"))
        higher = tl.maximum(peak, tl.max(x, axis=0))
        total = total * tl.exp(peak - higher) + tl.sum(tl.exp(x - higher), axis=0)
        peak = higher
    chosen = tl.load(logits_ptr + row * columns + label)
    tl.store(loss_ptr + row, tl.log(total) + peak - chosen)


@triton.jit
def transpose(x_ptr, out_ptr, M, N, BM: tl.constexpr, BN: tl.constexpr):
    om = tl.program_id(0) * BM + tl.arange(0, BM)
    on = tl.program_id(1) * BN + tl.arange(0, BN)
    x = tl.load(x_ptr + om[:, None] * N + on[None, :], mask=(om[:, None] < M) & (on[None, :] < N), other=0.0)
    tl.store(out_ptr + on[:, None] * M + om[None, :], tl.trans(x), mask=(on[:, None] < N) & (om[None, :] < M))


@triton.jit
def argmax(x_ptr, at_ptr, best_ptr, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * columns + at, mask=at < columns, other=-float("inf"))
    tl.store(at_ptr + row, tl.argmax(x, axis=0))
    tl.store(best_ptr + row, tl.max(x, axis=0))


@triton.jit
def reductions(x_ptr, out_ptr, BLOCK: tl.constexpr):
    """Whole numbers by every kind of reduction."""
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * BLOCK + at)
    base = out_ptr + tl.program_id(0) * 4
    tl.store(base, tl.sum(x, axis=0))
    tl.store(base + 1, tl.max(x, axis=0))
    tl.store(base + 2, tl.min(x, axis=0))
    tl.store(base + 3, tl.xor_sum(x, axis=0))


@triton.jit
def integers(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Bitwise, shifts, comparison and choice."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask, other=0)
    y = tl.load(y_ptr + at, mask=mask, other=0)
    z = tl.where(x > y, (x & y) | (x ^ 85), (x << 3) + (y >> 2) - x * y)
    tl.store(out_ptr + at, tl.where((x == y) | (z < 0), tl.minimum(x, y), tl.maximum(z, -y)), mask=mask)


@triton.jit
def mathematics(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Functions of a real number."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask, other=1.0)
    y = tl.sin(x) * tl.cos(x) + tl.log(tl.abs(x) + 1.0) - tl.sqrt(tl.abs(x)) + tl.floor(x) * tl.ceil(x)
    tl.store(out_ptr + at, y + tl.exp2(-tl.abs(x)) + tl.log2(tl.abs(x) + 2.0) * tl.rsqrt(tl.abs(x) + 0.5), mask=mask)


@triton.jit
def casts(x_ptr, half_ptr, whole_ptr, byte_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = at < n
    x = tl.load(x_ptr + at, mask=mask, other=0.0)
    tl.store(half_ptr + at, x.to(tl.float16), mask=mask)
    tl.store(whole_ptr + at, x.to(tl.int32), mask=mask)
    tl.store(byte_ptr + at, x.to(tl.int8), mask=mask)


@triton.jit
def strided_copy(x_ptr, out_ptr, n, step, BLOCK: tl.constexpr):
    """Every step-th element."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.load(x_ptr + at * step, mask=at < n, other=0.0), mask=at < n)


@triton.jit
def interleave(x_ptr, y_ptr, out_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    base = tl.program_id(0) * BLOCK
    both = tl.interleave(tl.load(x_ptr + base + at), tl.load(y_ptr + base + at))
    tl.store(out_ptr + 2 * base + tl.arange(0, 2 * BLOCK), both)


@triton.jit
def reverse(x_ptr, out_ptr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.flip(tl.load(x_ptr + at), 0))


@triton.jit
def histogram(x_ptr, out_ptr, n, BLOCK: tl.constexpr, BINS: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    tl.store(out_ptr + tl.program_id(0) * BINS + tl.arange(0, BINS), tl.histogram(x, BINS))
