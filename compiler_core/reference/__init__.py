"""What a program means: outputs to compare with, independent of every pass and of the machine."""
