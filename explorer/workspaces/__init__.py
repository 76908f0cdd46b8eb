"""Workspaces: what a permalink opens."""
