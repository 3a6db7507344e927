"""Compiles the gateway's .proto files to the descriptors that `interlock.gateway.grpc_messages` reads: `make proto`."""

from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).resolve().parents[1] / "src" / "interlock" / "gateway"
NAMES = ("open_inference.proto", "grpc_health.proto")


def compile_to(target: Path) -> None:
    """Write the descriptors of all files to `target`."""
    arguments = ["protoc", f"--proto_path={FOLDER}", f"--descriptor_set_out={target}", *NAMES]
    if protoc.main(arguments) != 0:
        raise SystemExit("the .proto files cannot be compiled; see above")


if __name__ == "__main__":
    compile_to(FOLDER / "grpc_messages.binpb")
