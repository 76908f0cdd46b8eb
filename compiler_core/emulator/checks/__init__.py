"""What is wrong with a program: races, deadlocks, conflicts between blocks, overflow."""
