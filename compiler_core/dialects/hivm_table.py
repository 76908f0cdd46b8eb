"""Every op of hivm as AscendNPU-IR 1.2 defines it: operand groups, attributes that change what it does, pipe, meaning.

`compiler_core/dialects/hivm.py` declares the ops from this table; the emulator executes each or refuses it by name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpEntry:
    """One op. `groups` are its operands in order.

    `required` is None where operandSegmentSizes says how long each group is; else so many groups are always there, one operand
    each, and the ones after them where operands remain; the group `variadic` takes what is left over. `pipe` is the pipe that
    runs it, "" for what issues nothing, "*" where the memories of its operands decide.
    """

    name: str
    summary: str
    groups: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    pipe: str = "V"
    required: int | None = None
    variadic: str = ""
    results: int = 0


_SHAPED = ("transpose", "broadcast")
_VECTOR = ("src", "dst", "temp_buffer")


def _elementwise(name: str, summary: str, *attributes: str) -> OpEntry:
    return OpEntry(name, summary, _VECTOR, (*attributes, *_SHAPED))


def _without_scratch(name: str, summary: str, *attributes: str) -> OpEntry:
    return OpEntry(name, summary, ("src", "dst"), (*attributes, *_SHAPED))


def _scalar(name: str, summary: str, results: int = 0, *groups: str, attributes: tuple[str, ...] = ()) -> OpEntry:
    return OpEntry(name, summary, groups, attributes, "", len(groups), "", results)


ELEMENTWISE = (
    _elementwise("vexp", "e to the x of each element."),
    _elementwise("vln", "Natural logarithm of each element."),
    _elementwise("vabs", "Absolute value of each element."),
    _elementwise("vrelu", "max(x, 0) of each element."),
    _elementwise("vrsqrt", "1 over the square root of each element."),
    _elementwise("vsqrt", "Square root of each element."),
    _elementwise("vrec", "1 over each element."),
    _without_scratch("vtanh", "Hyperbolic tangent of each element."),
    _without_scratch("vsin", "Sine of each element."),
    _without_scratch("vcos", "Cosine of each element."),
    _without_scratch("verf", "Error function of each element."),
    _elementwise("vnot", "Bitwise not of each element."),
    _elementwise("vcast", "Converts each element, with a rounding mode.", "round_mode", "cast"),
    _elementwise("vadd", "Sum; the second operand may be a scalar."),
    _elementwise("vsub", "Difference; one operand may be a scalar."),
    _elementwise("vmul", "Product; the second operand may be a scalar."),
    _elementwise("vdiv", "Quotient; one operand may be a scalar. Integers are cut towards zero."),
    _without_scratch("vmod", "Remainder, with the sign of the first operand."),
    _elementwise("vmax", "Maximum; the second operand may be a scalar."),
    _elementwise("vmin", "Minimum; the second operand may be a scalar."),
    _elementwise("vand", "Bitwise and."),
    _elementwise("vor", "Bitwise or."),
    _elementwise("vxor", "Bitwise exclusive or."),
    _elementwise("vshl", "Shift left by a scalar."),
    _elementwise("vshr", "Arithmetic shift right, whatever `round` says.", "round"),
    _elementwise("vpow", "Integers to an integer power."),
    _without_scratch("vmulext", "Low and high half of signed 32-bit products; two outputs."),
    _without_scratch("vmulextui", "Low and high half of unsigned 32-bit products; two outputs."),
    _without_scratch("vcmp", "Compares into one bit (or byte) an element; the second operand may be a scalar.", "compare_mode"),
    _elementwise("vsel", "Chooses between two operands by a bit each: condition, then, else."),
)

VECTOR = (
    *ELEMENTWISE,
    OpEntry("vmulextended", "Low and high half of signed 16-bit products; two outputs.", _VECTOR),
    OpEntry("vbrc", "Fills a buffer with a scalar, or repeats dimensions of size 1.", _VECTOR, ("broadcast_dims",), "*", 2),
    OpEntry(
        "vreduce",
        "Reduces dimensions to size 1; …_with_index also gives where.",
        (*_VECTOR, "indices"),
        ("arith", "reduce_dims", "tie_break_left"),
    ),
    OpEntry("vtranspose", "Permutes dimensions.", _VECTOR, ("permutation", "disable_align"), "V", 2),
    OpEntry("varange", "offset + Σ index·stride in each element.", ("dst", "offset", "strides")),
    OpEntry("vinterleave", "Elements of several operands in turn.", _VECTOR, ("interleave_channel_nums",)),
    OpEntry(
        "vdeinterleave",
        "Every n-th element; one channel, or all.",
        ("src", "dst"),
        ("channel_num", "index_mode"),
        "V",
        2,
        "dst",
    ),
    OpEntry("vflip", "Reverses a dimension.", ("src", "dst"), ("flip_axis",), "V", 2),
    OpEntry(
        "vpad", "Surrounds a tile with a value.", ("src", "dst", "pad_value", "low", "high"), ("static_low", "static_high")
    ),
    OpEntry("vconcat", "Joins operands along a dimension.", ("src", "dst"), ("dim",), "V", 2, "src"),
    OpEntry(
        "vgather", "Elements at given positions of the last dimension.", ("src", "indices", "dst", "temp_buffer"), (), "V", 3
    ),
    OpEntry("vgathermask", "The elements where a mask holds, packed, and how many.", ("src", "mask", "dst"), (), "V", 3, "dst"),
    OpEntry("vcumsum", "Running sum along a dimension.", _VECTOR, ("cum_dims", "reverse"), "V", 2),
    OpEntry("vcumprod", "Running product along a dimension.", _VECTOR, ("cum_dims", "reverse"), "V", 2),
    OpEntry("vsort", "Sorts a dimension; a second output takes the positions.", _VECTOR, ("descending", "sort_axis")),
)

_LOAD_ATTRIBUTES = ("pad_mode", "init_out_buffer", "may_implicit_transpose_with_last_axis")
_FIXPIPE = ("dma_mode", "dual_dst_mode", "pre_quant", "pre_relu", "channel_split", "unit_flag_mode")

MOVES = (
    OpEntry(
        "load",
        "Moves from global memory to UB.",
        ("src", "dst", "pad_value", "left_padding_num", "right_padding_num", "init_condition"),
        _LOAD_ATTRIBUTES,
        "MTE2",
    ),
    OpEntry("store", "Moves from UB to global memory.", ("src", "dst"), ("atomic_kind",), "MTE3", 2),
    OpEntry("copy", "Moves between buffers on the chip.", ("src", "dst", "pad_value"), ("pad_mode",), "*", 2),
    OpEntry(
        "nd2nz",
        "Moves a matrix from global memory to L1, into fractals.",
        ("src", "dst", "pad_value", "init_condition"),
        ("dst_continuous", "init_out_buffer"),
        "*",
    ),
    OpEntry("nz2nd", "Moves fractals of L1 to a matrix in global memory.", ("src", "dst"), (), "MTE3", 2),
    OpEntry(
        "fixpipe",
        "Moves an L0C matrix out, converting on the way.",
        ("src", "dst", "unit_flag_cond", "quant_scale"),
        _FIXPIPE,
        "*",
    ),
    OpEntry("indirect_store", "Stores each element at an offset of its own.", ("dst", "offsets", "src", "mask"), (), "MTE3", 3),
    OpEntry("gather_load", "Loads each element from an index of its own; on tensors only.", required=0, pipe="MTE2", results=1),
    OpEntry("scatter_store", "Stores each element at an index of its own; on tensors only.", required=0, pipe="MTE3"),
    OpEntry("atomic_cas", "Stores the second where memory holds the first.", ("src", "dst"), (), "MTE3", 2, "src"),
    OpEntry("atomic_xchg", "Stores, and gives what was there.", ("src", "dst", "mask"), (), "MTE3", 2),
    OpEntry(
        "atomic_rmw", "Combines memory with a value, and gives what was there.", ("src", "dst"), ("atomic_kind",), "MTE3", 2
    ),
)

_MMAD = (
    *("a", "b", "init_condition", "real_m", "real_k", "real_n", "c"),
    *("sync_related_args", "unit_flag_cond", "per_channel_bias"),
)
_MMAD_ATTRIBUTES = ("a_transpose", "b_transpose", "enable_HF32", "enable_I4", "unit_flag_mode")
_CONVOLUTION = ("input", "weight", "bias", "init", "init_condition", "sync_related_args")
_TILING = ("blockSizes", "processSizes", "swizzleOffset", "swizzleDirection", "epiloguePTiles", "c")
_GLOBAL_ATTRIBUTES = ("aTranspose", "bTranspose", "descaleMode")

CUBE = (
    OpEntry(
        "mmadL1",
        "Multiplies two L1 matrices into L0C, by way of L0A and L0B; clears L0C first where the condition holds.",
        _MMAD,
        _MMAD_ATTRIBUTES,
        "M",
    ),
    OpEntry("batchMmadL1", "mmadL1 for each matrix of a batch.", _MMAD, _MMAD_ATTRIBUTES, "M"),
    OpEntry("Conv1dL1", "Convolution of L1 rows into L0C.", _CONVOLUTION, ("padding", "groups"), "M"),
    OpEntry("Conv2dL1", "Convolution of L1 images into L0C.", _CONVOLUTION, ("padding", "groups"), "M"),
    OpEntry(
        "Conv3dL1", "Convolution of L1 volumes; the compiler makes Conv2dL1 of it.", _CONVOLUTION, ("padding", "groups"), "M"
    ),
    OpEntry(
        "matmul",
        "descale · (A·B + bias) on global memory.",
        ("a", "b", "tilingParams", "bias", "descale", *_TILING),
        _GLOBAL_ATTRIBUTES,
        "M",
    ),
    OpEntry(
        "mix_matmul",
        "matmul with a vector function on its tiles.",
        ("a", "b", "postVecFuncIns", "workspaceIns", "tilingParams", "commParams", "bias", "descale", *_TILING),
        _GLOBAL_ATTRIBUTES,
        "M",
    ),
    OpEntry(
        "mix_group_matmul",
        "A matmul for each expert's tokens.",
        (
            *("a", "b", "tokens_per_expert", "postVecFuncIns", "postVecFuncOuts", "workspaceIns", "tilingParams", "commParams"),
            *("bias", "descale", *_TILING),
        ),
        _GLOBAL_ATTRIBUTES,
        "M",
    ),
)

_EVENT = ("set_pipe", "wait_pipe", "static_event_id")
_BLOCK_FLAG = ("tcore_type", "tpipe", "pipe", "static_flag_id", "tsync_instr_mode")

SYNCHRONISATION = (
    OpEntry("set_flag", "Sets an event when the first pipe has done all before it.", ("event",), _EVENT, "", 0),
    OpEntry("wait_flag", "Holds the second pipe until the event is set, and takes it.", ("event",), _EVENT, "", 0),
    OpEntry("pipe_barrier", "Holds a pipe, or all of them, until it is empty.", (), ("pipe",), "", 0),
    OpEntry(
        "sync_block",
        "All cores of a kind meet.",
        ("ffts_base_addr",),
        ("sync_block_mode", "flag_id", "tcube_pipe", "cube_pipe", "tvector_pipe", "vector_pipe"),
        "",
        0,
    ),
    OpEntry("sync_block_set", "Raises a flag for the cores of the other kind.", ("event", "ffts_base_addr"), _BLOCK_FLAG, ""),
    OpEntry("sync_block_wait", "Waits for a flag of the cores of the other kind.", ("event",), _BLOCK_FLAG, "", 0),
    OpEntry("create_sync_block_lock", "A lock that blocks take in their order.", ("lock",), (), "", 0, "", 1),
    OpEntry("sync_block_lock", "Waits until it is this block's turn.", ("lock",), (), "", 1),
    OpEntry("sync_block_unlock", "Passes the turn to the next block.", ("lock",), (), "", 1),
    OpEntry("free_lock_var", "Takes and passes the turn, where a branch went around the lock.", ("lock",), (), "", 1),
)

_CUSTOM = ("name", "symbol")

SCALAR = (
    _scalar("get_block_idx", "This core's block number.", 1),
    _scalar("get_block_num", "How many blocks were launched.", 1),
    _scalar("get_sub_block_idx", "Which vector core of the block this is.", 1),
    _scalar("get_sub_block_num", "How many vector cores a block has.", 1),
    _scalar("get_sys_cnt", "The core's cycle counter.", 1),
    _scalar("load_scalar", "Reads a number through an LLVM pointer.", 1, "addr"),
    _scalar("set_mask_norm", "Vector instructions take counts from their operands."),
    _scalar("set_atomic", "Makes the stores that follow atomic.", attributes=("kind", "type")),
    _scalar("set_ctrl", "Sets a bit of the control register.", attributes=("enable", "idx")),
    _scalar("set_ffts_base_addr", "Where the flags between cores lie.", 0, "ffts_base_addr"),
    OpEntry("dcci", "Writes the scalar unit's cache back.", ("ptr",), ("mode", "dataCacheKind"), "", 0),
    OpEntry(
        "pointer_cast", "A buffer at an address; with several addresses, the first.", ("addrs", "sizes"), (), "", results=1
    ),
    OpEntry(
        "convert_layout",
        "The same buffer seen in another layout.",
        ("source", "output_shape"),
        ("srcLayout", "dstLayout", "static_output_shape"),
        "",
        1,
        "output_shape",
        1,
    ),
    _scalar("bitcast", "The same buffer or number read as another type of equal width.", 1, "src"),
    _scalar("debug", "Prints a value, or checks one.", 0, "arg", attributes=("debugtype", "prefix", "hex")),
    _scalar("init_debug", "Begins debugging."),
    _scalar("finish_debug", "Ends debugging."),
    OpEntry("custom", "Calls a function by name.", ("inputs", "outputs", "temp_buffers"), _CUSTOM, "*"),
    OpEntry(
        "custom_macro",
        "Calls a function by name that uses two pipes.",
        ("inputs", "outputs", "temp_buffers", "sync"),
        _CUSTOM,
        "*",
    ),
)

OPS = {entry.name: entry for entry in (*VECTOR, *MOVES, *CUBE, *SYNCHRONISATION, *SCALAR)}
"""By name without `hivm.hir.`."""
