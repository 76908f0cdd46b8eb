"""Every word of the report, in both languages; which of them is seen is the reader's choice and a matter of CSS."""

from html import escape

from compiler_core.diagnostics import Message, templates

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Emulated run", "模拟运行报告"),
    "chip": ("Chip", "芯片"),
    "cycles": ("Cycles", "周期"),
    "time": ("Time on the chip", "芯片时间"),
    "launch": ("Launch overhead", "启动开销"),
    "blocks": ("Blocks", "块数"),
    "l2-hits": ("L2 hits", "L2 命中率"),
    "error": ("Model error, median (of published cases: worst)", "模型误差中位数（公开用例数：最大）"),
    "intensity": ("Arithmetic intensity", "算术强度"),
    "performance": ("Performance", "性能"),
    "limits": ("What limits it", "瓶颈"),
    "nothing-limits": ("No rule speaks.", "没有规则触发。"),
    "try": ("Try", "建议"),
    "gain": ("At most", "最多可省"),
    "gain-none": (
        "Removing this cause alone saves nothing: another takes its place.",
        "仅消除此原因不会变快：其他瓶颈会取而代之。",
    ),
    "gain-what": (
        "Gains are measured: the same instructions are timed again without that one cause. They are bounds and do not add up.",
        "收益是实测的：去掉这一个原因后对同一指令流重新计时。它是上限，且不可相加。",
    ),
    "pipes": ("Pipes", "流水"),
    "pipes-what": (
        "Share of the active cores' time: at work, then stalled by reason, then with nothing left to do.",
        "占活跃核时间的比例：工作、按原因停顿、无事可做。",
    ),
    "pipe": ("Pipe", "流水"),
    "busy": ("Busy", "忙"),
    "instructions": ("Instructions", "指令数"),
    "stall": ("Stalled", "停顿"),
    "idle": ("Idle", "空闲"),
    "cores": ("Cores", "核"),
    "core": ("Core", "核"),
    "end": ("End", "结束"),
    "roofline": ("Roofline", "Roofline"),
    "roofline-what": (
        "Operations a cycle over operations a byte, both logarithmic.",
        "每周期运算数与每字节运算数，均为对数坐标。",
    ),
    "traffic": ("Traffic", "数据搬运"),
    "path-bytes": ("Bytes", "字节"),
    "path-name": ("Path", "通路"),
    "occupancy": ("Live bytes of each buffer, of the core that ended last", "各缓冲区的活跃字节（最后结束的核）"),
    "bandwidth": ("Global memory, of the core that ended last", "全局内存带宽（最后结束的核）"),
    "critical": ("Critical path", "关键路径"),
    "critical-what": (
        "What the kernel's length is made of, by source line: each instruction waited for the one before it.",
        "内核时长由哪些源代码行构成：路径上每条指令都在等待前一条。",
    ),
    "line": ("Line", "行"),
    "instruction": ("Instruction", "指令"),
    "share": ("Share", "占比"),
    "count": ("Times", "次数"),
    "timeline": ("Timeline of the core that ended last", "最后结束的核的时间线"),
    "timeline-none": ("No timeline was kept.", "没有保存时间线。"),
    "made": (
        "Cycles are emulated, from the instructions that ran; no NPU was used.",
        "周期数由模拟器按实际执行的指令得出，未使用 NPU。",
    ),
    "why-flag": ("flag", "等待标志"),
    "why-queue": ("pipe full", "队列满"),
    "why-bandwidth": ("bandwidth", "带宽"),
    "why-issue": ("issue", "发射"),
    "why-barrier": ("barrier", "屏障"),
    "why-communication": ("communication", "核间通信"),
}


def both(english: str, chinese: str) -> str:
    """Text in both languages, escaped."""
    return f'<span lang="en">{escape(english)}</span><span lang="zh">{escape(chinese)}</span>'


def word(key: str) -> str:
    return both(*WORDS[key])


def reason(name: str) -> str:
    return word(f"why-{name}") if f"why-{name}" in WORDS else escape(name)


def said(message: Message) -> str:
    """A message in both languages; one whose template is gone keeps its English text."""
    template = templates().get(message.code)
    chinese = template["zh"].format(**message.arguments) if template else message.text
    return both(message.text, chinese)
