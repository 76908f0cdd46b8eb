"""Small ONNX models with seeded He-initialised weights; `python -m tests.models OUT_DIR` writes them as files."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]


class Maker:
    """Collects the nodes and weights of one graph. Every method adds a node and returns the name of its output."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, array: NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def he(self, *shape: int, fan_in: int) -> Array:
        """Normal with variance 2 / fan_in (He et al. 2015), which keeps the scale of activations through ReLUs."""
        return (self.random.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)

    def small(self, *shape: int) -> Array:
        return (self.random.standard_normal(shape) * 0.1).astype(np.float32)

    def conv(
        self, x: str, name: str, channels: int, filters: int, kernel: int, *, bias: bool = False, **attributes: Any
    ) -> str:
        weight = self.he(filters, channels, kernel, kernel, fan_in=channels * kernel * kernel)
        inputs = [x, self.weight(f"{name}.weight", weight)]
        if bias:
            inputs.append(self.weight(f"{name}.bias", self.small(filters)))
        return self.node("Conv", inputs, name, kernel_shape=[kernel, kernel], **attributes)

    def batch_norm(self, x: str, name: str, channels: int) -> str:
        """Statistics as of a trained network: scales around 1, positive variances."""
        scale = (1 + self.small(channels)).astype(np.float32)
        variance = np.abs(1 + self.small(channels)).astype(np.float32)
        parts = {"scale": scale, "bias": self.small(channels), "mean": self.small(channels), "var": variance}
        return self.node(
            "BatchNormalization", [x, *(self.weight(f"{name}.{k}", v) for k, v in parts.items())], name, epsilon=1e-5
        )

    def gemm(self, x: str, name: str, inputs: int, outputs: int) -> str:
        """A fully connected layer as PyTorch exports it: the weight is [outputs, inputs]."""
        weight = self.weight(f"{name}.weight", self.he(outputs, inputs, fan_in=inputs))
        return self.node("Gemm", [x, weight, self.weight(f"{name}.bias", self.small(outputs))], name, transB=1)

    def model(self, inputs: dict[str, Sequence[int | str]], outputs: dict[str, Sequence[int | str]], opset: int = 17) -> bytes:
        """The model's bytes; inputs and outputs are float32, by name with their shapes."""
        graph = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in outputs.items()],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="tilescope-tests")
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def cnn(size: int = 32, seed: int = 1) -> bytes:
    """A residual network in small: input x [1, 3, size, size], outputs logits and probabilities [1, 10].

    Convolution with batch normalisation, max pooling, a residual block, a strided convolution, global pooling and a classifier.
    """
    m = Maker(seed)
    x = m.conv("x", "stem", 3, 16, 3, pads=[1, 1, 1, 1])
    x = m.node("Relu", [m.batch_norm(x, "stem.norm", 16)], "stem.relu")
    shortcut = x = m.node("MaxPool", [x], "pool", kernel_shape=[2, 2], strides=[2, 2])
    x = m.conv(x, "block.conv1", 16, 16, 3, pads=[1, 1, 1, 1])
    x = m.node("Relu", [m.batch_norm(x, "block.norm1", 16)], "block.relu1")
    x = m.conv(x, "block.conv2", 16, 16, 3, pads=[1, 1, 1, 1])
    x = m.batch_norm(x, "block.norm2", 16)
    x = m.node("Relu", [m.node("Add", [x, shortcut], "block.add")], "block.relu2")
    x = m.conv(x, "down", 16, 32, 3, bias=True, pads=[1, 1, 1, 1], strides=[2, 2])
    x = m.node("Relu", [x], "down.relu")
    x = m.node("GlobalAveragePool", [x], "average")
    x = m.node("Flatten", [x], "flat")
    m.node("Softmax", [m.gemm(x, "logits", 32, 10)], "probabilities", axis=-1)
    return m.model({"x": [1, 3, size, size]}, {"logits": [1, 10], "probabilities": [1, 10]})


def mlp(batch: int = 16, seed: int = 2) -> bytes:
    """A multi-layer perceptron: input x [batch, 8, 8], outputs logits and probabilities [batch, 10].

    Its layers are written in the three ways of exporters: MatMul and Add, Gemm, and Gemm with a transposed weight.
    """
    m = Maker(seed)
    x = m.node("Reshape", ["x", m.weight("rows", np.array([batch, -1], np.int64))], "flat")
    x = m.node("MatMul", [x, m.weight("fc1.weight", m.he(64, 128, fan_in=64))], "fc1.matmul")
    x = m.node("Add", [x, m.weight("fc1.bias", m.small(128))], "fc1")
    x = m.node("Relu", [x], "fc1.relu")
    x = m.node("Gemm", [x, m.weight("fc2.weight", m.he(128, 96, fan_in=128)), m.weight("fc2.bias", m.small(96))], "fc2")
    x = m.node("Relu", [x], "fc2.relu")
    m.node("Softmax", [m.gemm(x, "logits", 96, 10)], "probabilities", axis=1)
    return m.model({"x": [batch, 8, 8]}, {"logits": [batch, 10], "probabilities": [batch, 10]})


MODELS: dict[str, Callable[[], bytes]] = {"cnn": cnn, "mlp": mlp}


def write(directory: Path) -> list[Path]:
    """Writes every model as NAME.onnx and tells where."""
    directory.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, make in MODELS.items():
        path = directory / f"{name}.onnx"
        path.write_bytes(make())
        paths.append(path)
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the test models as ONNX files.")
    parser.add_argument("directory", type=Path)
    for path in write(parser.parse_args().directory):
        print(path)
