"""Two thousand mutated texts are refused or run: no crash, no hang, no memory beyond the limit."""

from tests.fuzz_hivm import fuzz


def test_mutated_texts_never_crash() -> None:
    counts, findings, _ = fuzz(2000, seed=1, workers=2, piece=500)
    assert findings == []
    assert sum(counts.values()) == 2000
    assert counts["ran"] > 100
