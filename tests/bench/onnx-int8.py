#!/usr/bin/env python3
"""An ONNX model with its constant matrices in 8 bits, activations quantized as they come (Debian's python3-onnx, python3-numpy).

onnx-int8.py IN.onnx OUT.onnx

Operators as https://onnx.ai/onnx/operators/ has them: DynamicQuantizeLinear (bytes, a scale a tensor) before MatMulInteger with signed bytes, a
scale for each column of the weights, zero point 0; then the product of both scales. ONNX Runtime makes one kernel of these nodes. Convolutions
and products of two activations stay as they are.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Rewriter:
    def __init__(self, graph):
        self.graph = graph
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.transposed = {node.output[0]: node.input[0] for node in graph.node
                           if node.op_type == "Transpose" and node.input[0] in self.constants}
        self.nodes = []
        self.activations = {}  # quantized once, however many matrices they meet
        self.count = 0

    def weights(self, node):
        """The matrix [inputs, outputs] that a node multiplies with; None if it is not constant."""
        if node.op_type not in ("MatMul", "Gemm"):
            return None
        name = node.input[1]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        turned = name in self.transposed or bool(attributes.get("transB"))
        constant = self.constants.get(self.transposed.get(name, name))
        if constant is None or len(constant.dims) != 2 or attributes.get("transA") or attributes.get("alpha", 1) != 1:
            return None
        matrix = numpy_helper.to_array(constant)
        return matrix.T if turned else matrix

    def add(self, kind, inputs, outputs, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))

    def constant(self, name, values):
        self.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def activation(self, name):
        """Names of its bytes, scale and zero point."""
        if name not in self.activations:
            self.activations[name] = [f"{name}_int8_{part}" for part in ("bytes", "scale", "zero")]
            self.add("DynamicQuantizeLinear", [name], self.activations[name])
        return self.activations[name]

    def replace(self, node, matrix):
        prefix = f"int8_{self.count}_"
        self.count += 1
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12).astype(np.float32) / np.float32(127)
        weights = self.constant(prefix + "weights", np.rint(matrix / scale).astype(np.int8))
        a, a_scale, a_zero = self.activation(node.input[0])
        self.add("MatMulInteger", [a, weights, a_zero, self.constant(prefix + "zero", np.zeros((), np.int8))], [prefix + "sums"])
        self.add("Cast", [prefix + "sums"], [prefix + "floats"], to=TensorProto.FLOAT)
        self.add("Mul", [a_scale, self.constant(prefix + "scale", scale)], [prefix + "scales"])
        bias = list(node.input[2:3]) if node.op_type == "Gemm" else []
        product = prefix + "product" if bias else node.output[0]
        self.add("Mul", [prefix + "floats", prefix + "scales"], [product])
        if bias:
            self.add("Add", [product, bias[0]], [node.output[0]])

    def run(self):
        for node in self.graph.node:
            matrix = self.weights(node)
            if matrix is None:
                self.nodes.append(node)
            else:
                self.replace(node, matrix)
        used = {name for node in self.nodes for name in node.input}
        self.nodes = [node for node in self.nodes if node.op_type != "Transpose" or node.output[0] in used]
        used = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(self.nodes)
        self.graph.initializer.extend(kept)


def main():
    model = onnx.load(sys.argv[1])
    rewriter = Rewriter(model.graph)
    rewriter.run()
    if rewriter.count == 0:
        sys.exit(f"{sys.argv[1]}: no constant matrices to quantize")
    onnx.checker.check_model(model)
    onnx.save(model, sys.argv[2])
    print(f"{rewriter.count} matrices in 8 bits")


if __name__ == "__main__":
    main()
