"""Forms of hivm, as AscendNPU-IR 1.2 prints it; the operand groups are those of the dialect's table."""

from collections.abc import Mapping

from compiler_core.dialects import hivm
from compiler_core.dialects.hivm_table import OPS
from compiler_core.ir import Op, Printer, pretty
from compiler_core.ir.attributes import Attribute, IntegerAttr
from compiler_core.ir.core import Value
from compiler_core.ir.syntax.forms import FORMS, Parts, default_attribute, form, operand_list, read_attributes, reads
from compiler_core.ir.syntax.operations import OperationReader
from compiler_core.ir.syntax.writing import writer
from compiler_core.ir.types import i64

_INS_OUTS = "ins($src : @src) outs($dst : @dst)"
_TEMP = "(? temp_buffer($temp_buffer : @temp_buffer) ?)"
_SHAPED = "(? broadcast = $broadcast ?) (? transpose = $transpose ?)"
_RESULT = "(? -> @result ?)"
_ARRAYS = {"broadcast": "array", "transpose": "array"}
_UNSHAPED = {"broadcast": "array<i64>", "transpose": "array<i64>"}


def _declare(
    name: str,
    text: str,
    attributes: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
    lists: str = "",
    results: str = "result",
) -> None:
    """The form of an op; `lists` are its groups of any number of operands."""
    entry = OPS[name]
    many = lists.split()
    groups = " ".join(f"{g}*" if g in many else g for g in entry.groups)
    form(
        f"hivm.hir.{name}",
        groups,
        text,
        attributes,
        results=results,
        segments=entry.required is None,
        defaults=defaults,
    )


def _vector(name: str, extra: str = "", attributes: Mapping[str, str] | None = None, **defaults: str) -> None:
    """An elementwise instruction; `extra` stands between its scratch buffer and what is broadcast."""
    scratch = _TEMP if "temp_buffer" in OPS[name].groups else ""
    _declare(
        name,
        f"{{}} {_INS_OUTS} {scratch} {extra} {_SHAPED} {_RESULT}",
        {**_ARRAYS, **(attributes or {})},
        {**_UNSHAPED, **defaults},
        "src dst",
    )


for _name in (
    *("vexp", "vln", "vabs", "vrelu", "vrsqrt", "vsqrt", "vrec", "vtanh", "vsin", "vcos", "verf", "vnot", "vadd", "vsub"),
    *("vmul", "vmulext", "vmulextui", "vmax", "vmin", "vand", "vor", "vxor", "vmod", "vshl", "vpow", "vsel", "vdiv"),
):
    _vector(_name)
_vector(
    "vcast",
    "(? round_mode = $round_mode ?) (? cast = $cast ?)",
    {"round_mode": "#hivm.round_mode", "cast": "#hivm.cast"},
    round_mode="#hivm.round_mode<rint>",
    cast="#hivm.cast<cast_signed>",
)
_vector("vshr", "(? round : $round ?)", {"round": "any"})
_vector(
    "vcmp", "(? compare_mode = $compare_mode ?)", {"compare_mode": "#hivm.compare_mode"}, compare_mode="#hivm.compare_mode<eq>"
)

_declare("vmulextended", f"{{}} {_INS_OUTS} {_TEMP} {_RESULT}", lists="src dst")
_declare(
    "vbrc",
    f"{{}} {_INS_OUTS} {_TEMP} (? broadcast_dims = $broadcast_dims ?) {_RESULT}",
    {"broadcast_dims": "array"},
    {"broadcast_dims": "array<i64>"},
)
_declare(
    "vreduce",
    f"{{}} $arith ins($src : @src) (? indices($indices : @indices) ?) outs($dst : @dst) {_TEMP} "
    f"(? unsigned_src = $unsigned_src ?) (? tie_break_left = $tie_break_left ?) reduce_dims = $reduce_dims {_RESULT}",
    {"arith": "#hivm.reduce_op", "reduce_dims": "array", "unsigned_src": "any", "tie_break_left": "any"},
    lists="dst",
)
_declare(
    "vtranspose",
    f"{{}} {_INS_OUTS} {_TEMP} (? permutation = $permutation ?) (? disable_align = $disable_align ?) {_RESULT}",
    {"permutation": "array", "disable_align": "any"},
    {"permutation": "array<i64>", "disable_align": "false"},
)
_declare("varange", f"{{}} (? offset[$offset] ?) strides[$strides] outs($dst : @dst) {_RESULT}", lists="strides")
_declare(
    "vinterleave",
    f"{{}} {_INS_OUTS} interleave_channel_nums = $interleave_channel_nums {_TEMP} {_RESULT}",
    {"interleave_channel_nums": "integer"},
    lists="src",
)
_declare(
    "vdeinterleave",
    f"{{}} {_INS_OUTS} (? channel_num = $channel_num ?) (? index_mode = $index_mode ?) {_RESULT}",
    {"channel_num": "integer", "index_mode": "#hivm.deinterleave_mode"},
    lists="dst",
)
_declare("vflip", f"{{}} {_INS_OUTS} flip_axis = $flip_axis {_RESULT}", {"flip_axis": "integer"})
_declare("vpad", f"{{}} {_INS_OUTS} low %low high %high pad_value $pad_value : @pad_value {_RESULT}", lists="low high")
_declare("vconcat", f"dim($dim) {{}} {_INS_OUTS} {_RESULT}", {"dim": "integer"}, lists="src")
_declare("vgather", f"{{}} ins($src : @src) indices($indices : @indices) outs($dst : @dst) {_TEMP} {_RESULT}")
_declare("vgathermask", f"{{}} ins($src : @src) mask($mask : @mask) outs($dst : @dst) {_RESULT}", lists="dst")
for _name in ("vcumsum", "vcumprod"):
    _declare(
        _name,
        f"{{}} {_INS_OUTS} {_TEMP} cum_dims = $cum_dims reverse = $reverse {_RESULT}",
        {"cum_dims": "array", "reverse": "any"},
    )
_declare(
    "vsort",
    f"{{}} {_INS_OUTS} descending = $descending sort_axis = $sort_axis {_TEMP} {_RESULT}",
    {"descending": "any", "sort_axis": "integer"},
    lists="dst",
)

# moves

_PAD = "(? pad_mode = $pad_mode ?) (? pad_value = $pad_value : @pad_value ?)"
_declare(
    "load",
    f"{_INS_OUTS} {{}} {_PAD} (? left_padding_num = $left_padding_num : @left_padding_num ?) "
    "(? init_out_buffer = $init_out_buffer ?) (? right_padding_num = $right_padding_num : @right_padding_num ?) "
    "(? init_condition = $init_condition : @init_condition ?) "
    "(? may_implicit_transpose_with_last_axis = $may_implicit_transpose_with_last_axis ?) "
    f"(? eviction_policy = $eviction_policy ?) (? core_type = $tcoretype ?) {_RESULT}",
    {
        "pad_mode": "#hivm.padmode",
        "init_out_buffer": "any",
        "may_implicit_transpose_with_last_axis": "any",
        "eviction_policy": "#hivm.eviction_policy",
        "tcoretype": "#hivm.tcore_type",
    },
)
_declare("store", f"{_INS_OUTS} {{}} (? atomic = $atomic_kind ?) {_RESULT}", {"atomic_kind": "#hivm.atomic_kind"})
_declare(
    "copy",
    f"{_INS_OUTS} {{}} {_PAD} (? collapse_reassociation = $collapse_reassociation ?) {_RESULT}",
    {"pad_mode": "#hivm.padmode", "collapse_reassociation": "any"},
)
_declare(
    "nd2nz",
    f"{{}} {_INS_OUTS} (? init_out_buffer = $init_out_buffer ?) (? pad_value = $pad_value : @pad_value ?) "
    f"(? init_condition = $init_condition : @init_condition ?) {_RESULT}",
    {"init_out_buffer": "any"},
)
_declare("nz2nd", f"{{}} {_INS_OUTS} {_RESULT}")
_declare(
    "indirect_store",
    "ins($src : @src, $offsets : @offsets (?, $mask : @mask ?)) outs($dst : @dst) {}",
    results="",
)
_declare("atomic_cas", f"{{}} {_INS_OUTS} {_RESULT}", lists="src")
_declare("atomic_xchg", f"{{}} {_INS_OUTS} (? mask($mask : @mask) ?) {_RESULT}")
_declare("atomic_rmw", f"{{}} {_INS_OUTS} atomic_kind = $atomic_kind {_RESULT}", {"atomic_kind": "#hivm.atomic_kind"})

form(
    "hivm.hir.gather_load",
    "base indices burst_len mask other dst",
    "ins($base : @base, $indices : @indices, $burst_len : @burst_len (?, $mask : @mask ?) (?, $other : @other ?)) "
    f"outs($dst : @dst) {{}} {_RESULT}",
)
form(
    "hivm.hir.scatter_store",
    "indices data burst_len mask base",
    f"ins($indices : @indices, $data : @data, $burst_len : @burst_len (?, $mask : @mask ?)) outs($base : @base) {{}} {_RESULT}",
)

# cube

_MMAD = (
    "{} ins($a, $b, $init_condition, $real_m, $real_k, $real_n (?, $per_channel_bias ?) : @a, @b, @init_condition, @real_m, "
    "@real_k, @real_n (?, @per_channel_bias ?)) outs($c : @c) (? sync_related_args($sync_related_args : @sync_related_args) ?) "
    f"(? unit_flag_mode($unit_flag_mode) ?) (? unit_flag_cond($unit_flag_cond) ?) {_RESULT}"
)
for _name in ("mmadL1", "batchMmadL1"):
    _declare(_name, _MMAD, {"unit_flag_mode": "any"}, lists="sync_related_args unit_flag_cond")
for _name in ("Conv1dL1", "Conv2dL1", "Conv3dL1"):
    _declare(
        _name,
        "{} ins($input, $weight, $init_condition (?, $bias ?) : @input, @weight, @init_condition (?, @bias ?)) "
        f"outs($init : @init) (? sync_related_args($sync_related_args : @sync_related_args) ?) {_RESULT}",
        lists="sync_related_args",
    )
_TILING = (
    "(? tiling_params = $tilingParams : @tilingParams ?) {comm} (? bias = $bias : @bias ?) (? descale = $descale : @descale ?) "
    "(? a_transpose $aTranspose ?) (? b_transpose $bTranspose ?) (? descale_mode = $descaleMode ?) "
    "(? block_sizes($blockSizes : @blockSizes) ?) (? process_sizes($processSizes : @processSizes) ?) "
    "(? swizzle_offset = $swizzleOffset : @swizzleOffset ?) (? swizzle_direction = $swizzleDirection : @swizzleDirection ?) "
    f"(? epilogue_p_tiles = $epiloguePTiles : @epiloguePTiles ?) {_RESULT}"
)
_COMM = "(? comm_params = $commParams : @commParams ?)"
_POST = "(? post_vector_func_ins($postVecFuncIns : @postVecFuncIns) ?)"
_WORKSPACE = "(? workspace_ins($workspaceIns : @workspaceIns) ?)"
_AB = "{} ins($a, $b : @a, @b)"
_GLOBAL = {"aTranspose": "unit", "bTranspose": "unit", "descaleMode": "#hivm.descale_mode"}
_SIZES = "blockSizes processSizes"
_declare("matmul", f"{_AB} outs($c : @c) {_TILING.replace('{comm}', '')}", _GLOBAL, lists=_SIZES)
_declare(
    "mix_matmul",
    f"{_AB} {_POST} {_WORKSPACE} outs($c : @c) {_TILING.replace('{comm}', _COMM)}",
    _GLOBAL,
    lists=f"{_SIZES} postVecFuncIns workspaceIns",
)
_declare(
    "mix_group_matmul",
    f"{{}} ins($a, $b, $tokens_per_expert : @a, @b, @tokens_per_expert) {_POST} "
    f"(? post_vector_func_outs($postVecFuncOuts : @postVecFuncOuts) ?) {_WORKSPACE} "
    f"outs($c : @c) {_TILING.replace('{comm}', _COMM)}",
    _GLOBAL,
    lists=f"{_SIZES} postVecFuncIns postVecFuncOuts workspaceIns",
)

# synchronisation

_PIPE = "#hivm.pipe"


def _identity(reader: OperationReader, parts: Parts, group: str, attribute: str) -> None:
    """`<EVENT_ID0>` or a number, kept as an attribute, or a value."""
    if reader.sees("%"):
        parts.operands[group] = [reader.operand()]
    elif reader.sees("<"):
        start = reader.at
        parts.attributes[attribute] = default_attribute(f"#hivm.event{reader.text[start : reader.balanced()]}")
    elif reader.sees("#"):
        parts.attributes[attribute] = reader.attribute()
    else:
        parts.attributes[attribute] = IntegerAttr(reader.integer(), i64)


def enumeration(reader: OperationReader, kind: str) -> Attribute:
    """`<value>` of #kind, or the attribute written whole."""
    if not reader.sees("<"):
        return reader.attribute()
    start = reader.at
    return default_attribute(f"{kind}{reader.text[start : reader.balanced()]}")


@reads("hivm.hir.set_flag", "hivm.hir.wait_flag", groups="event")
def _flag(reader: OperationReader, parts: Parts) -> None:
    """`[<PIPE_V>, <PIPE_MTE3>, <EVENT_ID0>]`, or a value instead of the event."""
    reader.expect("[")
    for key in ("set_pipe", "wait_pipe"):
        parts.attributes[key] = enumeration(reader, _PIPE)
        reader.expect(",")
    _identity(reader, parts, "event", "static_event_id")
    reader.expect("]")
    read_attributes(reader, parts)


@reads("hivm.hir.sync_block_set", groups="event ffts_base_addr", segments=True)
def _block_set(reader: OperationReader, parts: Parts) -> None:
    _block_flag(reader, parts)


@reads("hivm.hir.sync_block_wait", groups="event")
def _block_wait(reader: OperationReader, parts: Parts) -> None:
    _block_flag(reader, parts)


def _block_flag(reader: OperationReader, parts: Parts) -> None:
    """`[<CUBE>, <PIPE_FIX>, <PIPE_MTE2>] flag = 0 ffts_base_addr = %a sync_instr_mode = <…>`."""
    read_attributes(reader, parts)
    reader.expect("[")
    for i, (key, kind) in enumerate((("tcore_type", "#hivm.tcore_type"), ("tpipe", _PIPE), ("pipe", _PIPE))):
        if i:
            reader.expect(",")
        parts.attributes[key] = enumeration(reader, kind)
    reader.expect("]")
    reader.expect_word("flag")
    reader.expect("=")
    _identity(reader, parts, "event", "static_flag_id")
    if reader.accept_word("ffts_base_addr"):
        reader.expect("=")
        parts.operands["ffts_base_addr"] = [reader.operand()]
    # 1.2 prints the mode behind `syn_instr_mode`
    if reader.accept_word("sync_instr_mode") or reader.accept_word("syn_instr_mode"):
        reader.expect("=")
        parts.attributes["tsync_instr_mode"] = enumeration(reader, "#hivm.sync_block_instr_mode")


_declare("pipe_barrier", "[$pipe] {}", {"pipe": _PIPE})
_declare(
    "sync_block",
    "{} [$sync_block_mode (?, $flag_id ?)] (? ffts_base_addr = $ffts_base_addr ?) (? tcube_pipe = $tcube_pipe ?) "
    "(? cube_pipe = $cube_pipe ?) (? tvector_pipe = $tvector_pipe ?) (? vector_pipe = $vector_pipe ?)",
    {
        "sync_block_mode": "#hivm.sync_block_mode",
        "flag_id": "any",
        **{f"{t}{unit}_pipe": _PIPE for t in ("", "t") for unit in ("cube", "vector")},
    },
)


@reads("hivm.hir.create_sync_block_lock", groups="lock")
def _create_lock(reader: OperationReader, parts: Parts) -> None:
    """`from %a {…} : from type to type`, or `: type`."""
    if reader.accept_word("from"):
        parts.operands["lock"] = [reader.operand()]
    read_attributes(reader, parts)
    reader.expect(":")
    if reader.accept_word("from"):
        reader.type()
        reader.expect_word("to")
    parts.results = [reader.type()]


for _name in ("sync_block_lock", "sync_block_unlock", "free_lock_var"):
    _declare(_name, "{} lock_var($lock : @lock)")

# scalars and views

for _name in ("get_block_idx", "get_block_num", "get_sub_block_idx", "get_sub_block_num", "get_sys_cnt"):
    _declare(_name, "{} -> @result")
for _name in ("set_mask_norm", "init_debug", "finish_debug"):
    _declare(_name, "{}")
_declare("set_atomic", "kind = $kind [type = $type] {}", {"kind": "#hivm.atomic_kind", "type": "type"})
_declare("set_ctrl", "$enable at ctrl[$idx] {}", {"enable": "any", "idx": "integer"})
_declare("set_ffts_base_addr", "{} $ffts_base_addr")
_declare(
    "dcci",
    "{} ($mode, $dataCacheKind (?, $ptr : @ptr ?))",
    {"mode": "#hivm.DCCIMode", "dataCacheKind": "#hivm.DataCacheKind"},
)
_declare("pointer_cast", "($addrs) (? [$sizes] ?) {} : @result", lists="addrs sizes")
_declare("bitcast", "$src : @src -> @result {}")
_declare("debug", "{} $arg : @arg", results="")
_declare(
    "convert_layout",
    "$source (? output_shape %output_shape ?) {} : (@source) -> @result",
    lists="output_shape",
)


@reads("hivm.hir.load_scalar", groups="addr")
def _load_scalar(reader: OperationReader, parts: Parts) -> None:
    """`%p : <1> -> f32`: a pointer's type is written without its name."""
    read_attributes(reader, parts)
    parts.operands["addr"] = [reader.operand()]
    reader.expect(":")
    if reader.sees("<"):
        reader.balanced()
    else:
        reader.type()
    reader.expect("->")
    parts.results = [reader.type()]


form(
    "hivm.hir.fixpipe",
    "src dst unit_flag_cond* quant_scale",
    f"{{}} {_INS_OUTS} (? quant_scale = $quant_scale : @quant_scale ?) (? dual_dst_mode = $dual_dst_mode ?) "
    f"(? unit_flag_mode($unit_flag_mode) ?) (? unit_flag_cond($unit_flag_cond) ?) {_RESULT}",
    {"dual_dst_mode": "#hivm.fixpipe_dual_dst_mode", "unit_flag_mode": "any"},
    segments=True,
    defaults={"dma_mode": "#hivm.dma_mode<normal>"},
    renamed={"enable_nz2nd": ("dma_mode", "#hivm.dma_mode<nz2nd>")},
)


@reads("hivm.hir.custom", groups="inputs outputs temp_buffers", segments=True)
def _custom(reader: OperationReader, parts: Parts) -> None:
    _call(reader, parts)


@reads("hivm.hir.custom_macro", groups="inputs outputs temp_buffers sync", segments=True)
def _custom_macro(reader: OperationReader, parts: Parts) -> None:
    _call(reader, parts)


_CLAUSES = {"ins": "inputs", "outs": "outputs", "temp_buffers": "temp_buffers", "sync_related_args": "sync"}


def _call(reader: OperationReader, parts: Parts) -> None:
    """`{…} "name" ins(…) outs(…) -> types`."""
    read_attributes(reader, parts)
    if reader.sees('"'):
        parts.attributes["name"] = reader.attribute()
    while reader.peek("word") in _CLAUSES:
        group = _CLAUSES[reader.kind("word")]
        parts.operands[group] = _clause(reader)
    if reader.accept("->"):
        parts.results = [reader.type()]
        while reader.accept(","):
            parts.results.append(reader.type())


def _clause(reader: OperationReader) -> list[Value]:
    """`(%a, %b : types)`."""
    reader.expect("(")
    values = operand_list(reader)
    if reader.accept(":"):
        for i in range(len(values)):
            if i:
                reader.expect(",")
            reader.type()
    reader.expect(")")
    return values


# writing

for _name, _entry in OPS.items():
    _form = FORMS[f"hivm.hir.{_name}"]
    if _form.text and _form.groups == _entry.groups:
        pretty(_form.name)(writer(_form, hivm.group))


@pretty("hivm.hir.set_flag", "hivm.hir.wait_flag")
def _write_flag(printer: Printer, op: Op) -> None:
    first, second, event = hivm.flag(op)
    name = f"<EVENT_ID{event}>" if isinstance(event, int) else printer.name(event)
    printer.write(f"[<{first}>, <{second}>, {name}]")
    printer.attributes(op, "set_pipe", "wait_pipe", "static_event_id")


@pretty("hivm.hir.sync_block_set", "hivm.hir.sync_block_wait")
def _write_block_flag(printer: Printer, op: Op) -> None:
    core, first, second = (hivm.enum(op.attributes[key]) for key in ("tcore_type", "tpipe", "pipe"))
    flag = op.attributes.get("static_flag_id")
    number = str(flag.value) if isinstance(flag, IntegerAttr) else printer.name(hivm.group(op, "event")[0])
    printer.attributes(op, *_BLOCK_FLAG)
    printer.write(f"[<{core}>, <{first}>, <{second}>] flag = {number}")
    if op.name == "hivm.hir.sync_block_set" and hivm.group(op, "ffts_base_addr"):
        printer.write(f" ffts_base_addr = {printer.name(hivm.group(op, 'ffts_base_addr')[0])}")
    if "tsync_instr_mode" in op.attributes:
        printer.write(f" sync_instr_mode = <{hivm.enum(op.attributes['tsync_instr_mode'])}>")


_BLOCK_FLAG = ("tcore_type", "tpipe", "pipe", "static_flag_id", "tsync_instr_mode", "operandSegmentSizes")
