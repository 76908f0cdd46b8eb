"""Compilations: asked for, queued, run in a sandbox, kept."""
