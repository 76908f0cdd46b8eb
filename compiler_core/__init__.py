"""Tilescope's compiler: importers, IR, passes, emulator. A plain library that knows nothing of the web."""

__version__ = "0.1.0"
