"""One chip of each organisation, for tests that compile much: the others differ from one of them in counts, sizes and rates."""

CHIPS = ("Ascend910B3", "Ascend310P3")
