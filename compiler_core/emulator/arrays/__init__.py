"""What vector instructions and the cube compute, on numpy arrays whose leading axes are lanes."""
