"""What lowering passes build: one file for each kind of thing."""
