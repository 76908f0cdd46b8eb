"""Writes docs/en/reference.md and docs/zh/reference.md from what the code declares (`make reference`)."""

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Literal

from compiler_core.chips import chips
from compiler_core.diagnostics import templates
from compiler_core.dialects.hivm_table import OPS
from compiler_core.emulator.instructions.control_unit import REFUSED
from compiler_core.importers.onnx.importer import CONSTANTS
from compiler_core.importers.onnx.operators import OPERATORS
from compiler_core.importers.triton.builtins import BUILTINS, LIBDEVICE
from compiler_core.pipelines import all_passes
from compiler_core.profiling import RULES
from explorer.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
Language = Literal["en", "zh"]

WORDS: dict[str, dict[Language, str]] = {
    "title": {"en": "Reference", "zh": "参考"},
    "note": {
        "en": "Written by `make reference` from what the code declares; a test keeps it current.",
        "zh": "本页由 `make reference` 根据代码中的声明生成；有测试保证它与代码一致。",
    },
    "passes": {"en": "Passes", "zh": "Pass 列表"},
    "passes-note": {
        "en": "By stage. A lowering must run; an optimisation can be switched off. Clean-ups run at several stages.",
        "zh": "按阶段排列。lowering 必须执行；optimisation 可以关闭。清理类 pass 会在多个阶段执行。",
    },
    "chips": {"en": "Chips", "zh": "芯片"},
    "functions": {"en": "Functions of triton.language", "zh": "triton.language 的函数"},
    "libdevice": {"en": "Functions of libdevice", "zh": "libdevice 的函数"},
    "operators": {"en": "ONNX operators", "zh": "ONNX 算子"},
    "instructions": {"en": "Machine instructions", "zh": "机器指令"},
    "instructions-note": {
        "en": "Ops of `hivm.hir` that the emulator runs; `tilescope ops` says what each does and on which pipe.",
        "zh": "仿真器可执行的 `hivm.hir` op；`tilescope ops` 列出各自的作用与所在流水。",
    },
    "refused-note": {
        "en": "These are refused by name, with the reason and their line:",
        "zh": "以下 op 会被按名拒绝，并给出原因与所在行：",
    },
    "verdicts": {"en": "Verdicts of the profile", "zh": "剖析的判断规则"},
    "verdicts-note": {
        "en": "A rule speaks where its measure is beyond the threshold: a share, or for `small-transfers` bytes.",
        "zh": "度量越过阈值时规则给出判断：阈值是比例，`small-transfers` 则为字节数。",
    },
    "rule": {"en": "rule", "zh": "规则"},
    "threshold": {"en": "threshold", "zh": "阈值"},
    "says": {"en": "says", "zh": "判断"},
    "advises": {"en": "advises", "zh": "建议"},
    "limits": {"en": "Limits of the service", "zh": "服务的限额"},
    "limits-note": {
        "en": "Each can be set in the environment. Bytes and seconds are whole numbers.",
        "zh": "每一项都可以用环境变量设置。字节数与秒数都是整数。",
    },
    "pass": {"en": "pass", "zh": "pass"},
    "from": {"en": "from", "zh": "输入阶段"},
    "to": {"en": "to", "zh": "输出阶段"},
    "kind": {"en": "kind", "zh": "类别"},
    "what": {"en": "what it does", "zh": "作用"},
    "name": {"en": "name", "zh": "名称"},
    "summary": {"en": "what it is", "zh": "说明"},
    "variable": {"en": "variable", "zh": "环境变量"},
    "default": {"en": "default", "zh": "默认值"},
    "guards": {"en": "what it bounds", "zh": "限制的内容"},
}

LIMITS_ZH = {
    "model_bytes": "上传模型的最大字节数",
    "request_bytes": "其他请求正文的最大字节数",
    "queued": "最多可排队的编译数；超出时回答 503",
    "sockets": "一个 web 进程最多的 WebSocket 连接数",
    "socket_stall_seconds": "一条消息等待慢速读者的最长时间，之后关闭连接，由其凭游标重连",
    "view_bytes": "工作区视图的 JSON 大小",
    "memory_bytes": "沙箱子进程的地址空间",
    "cpu_seconds": "沙箱子进程的处理器时间",
    "wall_seconds": "一次编译尝试的总时长",
    "file_bytes": "子进程可写的最大文件",
    "open_files": "子进程可打开的文件数",
    "blob_bytes": "一次编译可保存的单个结果体的最大字节数",
    "kept_bytes": "一次编译可保存的全部结果体的总字节数",
    "events": "一次编译的事件数",
    "lease_seconds": "worker 沉默多久后，其任务在别处重新执行",
    "attempts": "worker 异常退出时，一次编译最多尝试的次数",
    "inspect_seconds": "查看一次源代码的总时长与处理器时间",
    "inspect_memory_bytes": "查看一次源代码的地址空间",
}


def main() -> None:
    for language in ("en", "zh"):
        path(language).write_text(page(language), encoding="utf-8")


def path(language: Language) -> Path:
    return ROOT / "docs" / language / "reference.md"


def page(language: Language) -> str:
    def word(key: str) -> str:
        return WORDS[key][language]

    parts = [f"# {word('title')}", word("note")]
    parts += [f"## {word('passes')}", word("passes-note"), _passes(language)]
    parts += [f"## {word('chips')}", _chips(language)]
    parts += [f"## {word('functions')}", _names(BUILTINS)]
    parts += [f"## {word('libdevice')}", _names([*LIBDEVICE, "pow", "fma", "div_rn"])]
    parts += [f"## {word('operators')}", _names([*OPERATORS, *CONSTANTS])]
    parts += [f"## {word('instructions')}", word("instructions-note"), _names(name for name in OPS if name not in REFUSED)]
    parts += [word("refused-note"), _names(REFUSED)]
    parts += [f"## {word('verdicts')}", word("verdicts-note"), _verdicts(language)]
    parts += [f"## {word('limits')}", word("limits-note"), _limits(language)]
    return "\n\n".join(parts) + "\n"


def _passes(language: Language) -> str:
    rows = [
        (f"`{p.name}`", p.stage_in, p.stage_out, "lowering" if p.mandatory else "optimisation", p.run.summary[language])
        for p in all_passes()
    ]
    return _table(language, ("pass", "from", "to", "kind", "what"), rows)


def _chips(language: Language) -> str:
    memories = list(next(iter(chips().values())).buffers)
    rows = [(c.name, c.summary[language], *(_size(c.buffers[m]) for m in memories)) for c in chips().values()]
    return _table(language, ("name", "summary", *memories), rows)


def _verdicts(language: Language) -> str:
    def said(code: str) -> str:
        return re.sub(r"\{\w+\}", "…", templates()[code][language])

    rows = [
        (f"`{r.name}`", f"{'<' if r.below else '>'} {r.threshold:g}", said(f"verdict-{r.name}"), said(f"advice-{r.name}"))
        for r in RULES
    ]
    return _table(language, ("rule", "threshold", "says", "advises"), rows)


def _limits(language: Language) -> str:
    words = _field_docstrings(Limits) if language == "en" else LIMITS_ZH
    rows = [(f"`TILESCOPE_{f.name.upper()}`", f"{f.default:,}", words[f.name]) for f in fields(Limits)]
    return _table(language, ("variable", "default", "guards"), rows)


def _field_docstrings(owner: type) -> dict[str, str]:
    """The string literal under each field of a class, without its full stop."""
    (definition,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = str(below.value.value).rstrip(".")
    return found


def _size(size: int) -> str:
    return f"{size // 1024:,} KiB"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(set(names), key=str.lower))


def _table(language: Language, head: tuple[str, ...], rows: Sequence[Sequence[str]]) -> str:
    titles = [WORDS[key][language] if key in WORDS else key for key in head]
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
