"""The reference pages say what the code declares."""

import pytest

from scripts.reference import Language, page, path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_current(language: Language) -> None:
    assert path(language).read_text(encoding="utf-8") == page(language), "run `make reference`"
