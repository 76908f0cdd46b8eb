"""Streams: the events of a live compilation, fanned out to sockets."""
