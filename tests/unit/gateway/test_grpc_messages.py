import importlib.util
from pathlib import Path

import pytest

from interlock.gateway import grpc_messages

ROOT = Path(__file__).resolve().parents[3]


def test_descriptors_are_those_of_the_proto_files(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools")
    spec = importlib.util.spec_from_file_location("compile_proto", ROOT / "scripts" / "compile_proto.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.compile_to(tmp_path / "found")
    committed = ROOT / "src" / "interlock" / "gateway" / "grpc_messages.binpb"
    assert (tmp_path / "found").read_bytes() == committed.read_bytes(), "run `make proto`"


def test_every_message_is_the_one_that_tritons_client_sends_and_reads() -> None:
    theirs = pytest.importorskip("tritonclient.grpc.service_pb2")
    for name, pair in grpc_messages.methods(grpc_messages.INFERENCE).items():
        for message, suffix in zip(pair, ("Request", "Response"), strict=True):
            expected = getattr(theirs, name + suffix).DESCRIPTOR
            for field in message.DESCRIPTOR.fields:
                same = expected.fields_by_name[field.name]
                assert (field.number, field.type, field.is_repeated) == (same.number, same.type, same.is_repeated)
