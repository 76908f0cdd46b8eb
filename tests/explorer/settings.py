"""The project's settings with a scripted compiler, for tests of everything around the compiler."""

from explorer.settings import *  # noqa: F403

COMPILER = "tests.explorer.compiler"
