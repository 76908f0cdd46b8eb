"""ONNX models to the graph stage. A model is data from anybody: it is bounded before anything is allocated, and never run."""

from compiler_core.importers.onnx.importer import import_model
from compiler_core.importers.onnx.inputs import model_inputs

__all__ = ["import_model", "model_inputs"]
