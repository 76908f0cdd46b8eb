"""CSV tables under the names and with the columns that users of the vendor's profiler know, filled from an emulated run.

One `op_summary.csv` for all kernels, as msprof writes it, and for each kernel the tables of msprof op: OpBasicInfo,
PipeUtilization, ArithmeticUtilization, Memory, L2Cache, ResourceConflictRatio. Source of the names: the vendor's documentation
of both tools. A column that the emulator has no measurement for is left out rather than filled.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from compiler_core.chips import Chip
from compiler_core.events import CoreUse, PipeUse, Profile, ProfileDetail

Cell = str | int | float
Row = dict[str, Cell]

UNITS = {"S": "scalar", "V": "vec", "M": "cube", "MTE1": "mte1", "MTE2": "mte2", "MTE3": "mte3", "FIX": "fixpipe"}
"""Our pipes as the per-kernel tables call them."""
OF_KIND = {
    "AIC": ("M", "S", "MTE1", "MTE2", "FIX"),
    "AIV": ("V", "S", "MTE2", "MTE3"),
    "AI": ("M", "V", "S", "MTE1", "MTE2", "MTE3"),
}
PREFIX = {"AIC": "aic", "AIV": "aiv", "AI": "aic"}
TASK_TYPE = {"AIC": "AI_CORE", "AIV": "AI_VECTOR_CORE", "AI": "AI_CORE"}
PATHS = {
    "GM->L1": "GM_to_L1_datas(KB)",
    "L0C->L1": "L0C_to_L1_datas(KB)",
    "L0C->GM": "L0C_to_GM_datas(KB)",
    "GM->UB": "GM_to_UB_datas(KB)",
    "UB->GM": "UB_to_GM_datas(KB)",
}
TYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "int32": "int32", "int16": "int16", "int8": "int8"}
"""Element types that have a column of their own; for the vector unit, others are "misc"."""


def op_summary(profiles: Sequence[Profile], chip: Chip) -> str:
    """A row a kernel: time with launching, blocks, and the share of each pipe in its cores' cycles."""
    return _text([_summary(p, chip) for p in profiles])


def kernel_tables(profile: Profile, detail: ProfileDetail, chip: Chip) -> dict[str, str]:
    """The per-kernel tables by file name, a row for each core that ran."""
    cores = [core for core in detail.cores if core.blocks]
    tables: dict[str, Callable[[CoreUse, Chip], Row]] = {
        "PipeUtilization.csv": _pipe_utilization,
        "ArithmeticUtilization.csv": _arithmetic,
        "Memory.csv": _memory,
        "L2Cache.csv": _l2,
        "ResourceConflictRatio.csv": _conflicts,
    }
    found = {name: _text([_core(core, chip) | row(core, chip) for core in cores]) for name, row in tables.items()}
    return {"OpBasicInfo.csv": _text([_basic_info(profile, chip)]), **found}


def _text(rows: Sequence[Row]) -> str:
    """Rows as CSV; a column that some rows lack is empty there."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(cell) for name, cell in row.items()} for row in rows)
    return out.getvalue()


def _plain(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _us(cycles: float, chip: Chip) -> float:
    return round(cycles / chip.clock_mhz, 3)


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def _task(profile: Profile) -> tuple[str, Cell]:
    """The task's type, and the second number of blocks of a kernel that runs on both kinds of core."""
    kinds = {kind.kind: kind for kind in profile.kinds}
    if "AIC" in kinds and "AIV" in kinds:
        return "MIX_AIC", 2 * profile.blocks
    return next((TASK_TYPE[kind] for kind in kinds), "AI_CORE"), "N/A"


def _basic_info(profile: Profile, chip: Chip) -> Row:
    task, mixed = _task(profile)
    return {
        "Op Name": profile.scope,
        "Op Type": task,
        "Task Duration(us)": round(profile.microseconds + profile.launch_microseconds, 3),
        "Block Dim": profile.blocks,
        "Mix Block Dim": mixed,
        "Current Freq": round(chip.clock_mhz),
        "Rated Freq": round(chip.clock_mhz),
    }


def _summary(profile: Profile, chip: Chip) -> Row:
    task, mixed = _task(profile)
    row: Row = {
        "Op Name": profile.scope,
        "Task Type": task,
        "Task Duration(us)": round(profile.microseconds + profile.launch_microseconds, 3),
        "Block Dim": profile.blocks,
        "Mix Block Dim": mixed,
    }
    for kind in profile.kinds:
        prefix = PREFIX[kind.kind]
        each = kind.cycles / max(1, kind.active)
        row["aicore_time(us)" if prefix == "aic" else "aiv_time(us)"] = _us(each, chip)
        row[f"{prefix}_total_cycles"] = kind.cycles
        for pipe in OF_KIND[kind.kind]:
            unit = "mac" if pipe == "M" else UNITS[pipe]
            busy = kind.pipes[pipe].busy if pipe in kind.pipes else 0
            row[f"{prefix}_{unit}_time(us)"] = _us(busy / max(1, kind.active), chip)
            row[f"{prefix}_{unit}_ratio"] = _share(busy, kind.cycles)
        if "M" in kind.pipes:
            row["cube_utilization(%)"] = round(100 * kind.pipes["M"].busy / max(1, profile.cycles * kind.available), 2)
    return row


def _core(core: CoreUse, chip: Chip) -> Row:
    """The columns that every per-core table begins with."""
    prefix = PREFIX[core.kind]
    return {
        "block_id": core.index // 2 if core.kind == "AIV" else core.index,
        "sub_block_id": f"vector{core.index % 2}" if core.kind == "AIV" else "cube0",
        f"{prefix}_time(us)": _us(core.end, chip),
        f"{prefix}_total_cycles": core.end,
    }


def _pipe(core: CoreUse, pipe: str) -> PipeUse:
    return core.pipes.get(pipe) or PipeUse(0)


def _pipe_utilization(core: CoreUse, chip: Chip) -> Row:
    prefix = PREFIX[core.kind]
    row: Row = {}
    for pipe in OF_KIND[core.kind]:
        row[f"{prefix}_{UNITS[pipe]}_time(us)"] = _us(_pipe(core, pipe).busy, chip)
        row[f"{prefix}_{UNITS[pipe]}_ratio"] = _share(_pipe(core, pipe).busy, core.end)
    return row


def _arithmetic(core: CoreUse, chip: Chip) -> Row:
    prefix = PREFIX[core.kind]
    row: Row = {}
    for pipe in ("M", "V"):
        if pipe not in OF_KIND[core.kind]:
            continue
        unit = UNITS[pipe]
        row[f"{prefix}_{unit}_ratio"] = _share(_pipe(core, pipe).busy, core.end)
        mine = {name.split(" ")[1]: work for name, work in core.types.items() if name.startswith(f"{pipe} ")}
        shown = ("fp16", "int8") if pipe == "M" else ("fp32", "fp16", "int32", "int16")
        named = {TYPES.get(name, "misc"): work for name, work in mine.items()}
        for column in shown:
            row[f"{prefix}_{unit}_{column}_ratio"] = _share(named.get(column, 0), core.end)
        if pipe == "V":
            misc = sum(work for name, work in mine.items() if TYPES.get(name) not in shown)
            row[f"{prefix}_{unit}_misc_ratio"] = _share(misc, core.end)
        else:
            row[f"{prefix}_{unit}_total_instr_number"] = _pipe(core, pipe).instructions
    return row


def _memory(core: CoreUse, chip: Chip) -> Row:
    prefix = PREFIX[core.kind]
    seconds = core.end / chip.clock_mhz / 1e6
    read = sum(size for path, size in core.traffic.items() if path.startswith("GM->"))
    written = sum(size for path, size in core.traffic.items() if path.endswith("->GM"))
    row: Row = {}
    if "V" in OF_KIND[core.kind]:
        row[f"{prefix}_ub_to_gm_bw(GB/s)"] = _rate(core.traffic.get("UB->GM", 0), seconds)
        row[f"{prefix}_gm_to_ub_bw(GB/s)"] = _rate(core.traffic.get("GM->UB", 0), seconds)
    if "M" in OF_KIND[core.kind]:
        row[f"{prefix}_l1_read_bw(GB/s)"] = _rate(_through(core.traffic, "L1->", ""), seconds)
        row[f"{prefix}_l1_write_bw(GB/s)"] = _rate(_through(core.traffic, "", "->L1"), seconds)
    row[f"{prefix}_main_mem_read_bw(GB/s)"] = _rate(read, seconds)
    row[f"{prefix}_main_mem_write_bw(GB/s)"] = _rate(written, seconds)
    for pipe in OF_KIND[core.kind]:
        if pipe.startswith("MTE"):
            row[f"{prefix}_{UNITS[pipe]}_instructions"] = _pipe(core, pipe).instructions
            row[f"{prefix}_{UNITS[pipe]}_ratio"] = _share(_pipe(core, pipe).busy, core.end)
    row["read_main_memory_datas(KB)"] = round(read / 1024, 3)
    row["write_main_memory_datas(KB)"] = round(written / 1024, 3)
    for path, column in PATHS.items():
        row[column] = round(core.traffic.get(path, 0) / 1024, 3)
    return row


def _through(traffic: Mapping[str, int], begins: str, ends: str) -> int:
    return sum(size for path, size in traffic.items() if path.startswith(begins) and path.split(" ")[0].endswith(ends))


def _rate(size: int, seconds: float) -> float:
    return round(size / seconds / 1e9, 3) if seconds else 0.0


def _l2(core: CoreUse, chip: Chip) -> Row:
    prefix = PREFIX[core.kind]
    return {
        f"{prefix}_read_cache_hit(KB)": round((core.read - core.missed) / 1024, 3),
        f"{prefix}_read_cache_miss_allocate(KB)": round(core.missed / 1024, 3),
        f"{prefix}_read_hit_rate(%)": round(100 * (1 - core.missed / core.read), 2) if core.read else "N/A",
    }


def _conflicts(core: CoreUse, chip: Chip) -> Row:
    """Waiting is what stalls counted, apart from bandwidth, which is time at work."""
    prefix = PREFIX[core.kind]
    row: Row = {}
    if "V" in OF_KIND[core.kind]:
        row[f"{prefix}_vec_total_cflt_ratio"] = _share(core.conflicts, core.end)
        row[f"{prefix}_vec_bank_cflt_ratio"] = _share(core.conflicts, core.end)
    for pipe in OF_KIND[core.kind]:
        if pipe != "S":
            waited = sum(cycles for reason, cycles in _pipe(core, pipe).stalls.items() if reason != "bandwidth")
            row[f"{prefix}_{UNITS[pipe]}_wait_ratio"] = _share(waited, core.end)
    return row
