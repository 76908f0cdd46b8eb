"""The engines: one interface each, a request in, events out."""
