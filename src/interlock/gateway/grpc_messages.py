"""The messages of the gRPC services, from the descriptors that `make proto` compiles of the .proto files beside this.

They are in a pool of their own: a client of another server that lives in the same process brings messages of the same
names.
"""

from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

INFERENCE, HEALTH = "inference.GRPCInferenceService", "grpc.health.v1.Health"


def _load() -> DescriptorPool:
    pool, found = DescriptorPool(), FileDescriptorSet()
    found.ParseFromString(files("interlock.gateway").joinpath("grpc_messages.binpb").read_bytes())
    for file in found.file:
        pool.Add(file)
    return pool


_pool = _load()

ModelInferResponse: Any = GetMessageClass(_pool.FindMessageTypeByName("inference.ModelInferResponse"))


def methods(service: str) -> dict[str, tuple[Any, Any]]:
    """The messages that each method of a service takes and gives, by its name."""
    found = _pool.FindServiceByName(service).methods
    return {method.name: (GetMessageClass(method.input_type), GetMessageClass(method.output_type)) for method in found}
