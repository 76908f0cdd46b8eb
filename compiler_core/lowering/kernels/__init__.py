"""Kernels of graph ops, written as a kernel author would: a grid of programs, each with a tile that fits its core."""
