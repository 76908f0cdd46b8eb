"""The passes: one file a pass, named as the pass. Importing this package registers them all."""
