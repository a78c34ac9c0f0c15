"""Widens a half-precision ONNX file to single precision, all outputs kept: the weights rembg is measured with."""
import sys

import numpy
import onnx
from onnx import TensorProto, numpy_helper

source, target = sys.argv[1:]
model = onnx.load(source)
graph = model.graph


def widen(tensor):
    if tensor.data_type == TensorProto.FLOAT16:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float32), tensor.name))


for tensor in graph.initializer:
    widen(tensor)
for node in graph.node:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            widen(attribute.t)
        if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
            attribute.i = TensorProto.FLOAT
for port in [*graph.input, *graph.output]:
    if port.type.tensor_type.elem_type == TensorProto.FLOAT16:
        port.type.tensor_type.elem_type = TensorProto.FLOAT
del graph.value_info[:]
# The published nodes are out of order.
known = {tensor.name for tensor in graph.initializer} | {port.name for port in graph.input} | {""}
waiting, ordered = list(graph.node), []
while waiting:
    ready = [node for node in waiting if all(name in known for name in node.input)]
    known.update(name for node in ready for name in node.output)
    ordered += ready
    waiting = [node for node in waiting if not any(node is other for other in ready)]
del graph.node[:]
graph.node.extend(ordered)
onnx.save(model, target)
