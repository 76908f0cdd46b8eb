"""Reading MLIR text, a layer a file: scanner, types, attributes, locations, ops in the generic form, in custom forms."""
