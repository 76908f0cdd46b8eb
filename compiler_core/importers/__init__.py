"""The front doors: source text or a model in, the first stage of the IR out."""
