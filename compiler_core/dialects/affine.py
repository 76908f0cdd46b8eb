"""affine: index arithmetic as maps, which vendor-compiled programs use for offsets and sizes."""

from compiler_core.ir import Dialect

affine = Dialect("affine")

affine.op("apply", "The value of an affine map.", None, "pure", results=1)
affine.op("max", "The largest of an affine map's values.", None, "pure", results=1)
affine.op("min", "The smallest of an affine map's values.", None, "pure", results=1)
