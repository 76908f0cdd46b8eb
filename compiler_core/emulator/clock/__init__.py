"""Time: the log of a run, L2, costs of instructions, in-order queues, launches, and what is drawn of them."""
