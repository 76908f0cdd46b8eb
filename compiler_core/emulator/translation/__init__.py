"""From a hivm function to one generated Python function: what is known of scalars, and how ops become lines of its text."""
