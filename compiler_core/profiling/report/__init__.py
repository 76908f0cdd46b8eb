"""The report of a run: one HTML file that needs nothing else, in English and Chinese, light and dark, on screen and on paper.

page: the document · charts: its drawings as SVG · words: every word in both languages
"""

from compiler_core.profiling.report.page import report

__all__ = ["report"]
