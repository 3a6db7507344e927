"""Run by `test_kserve_client` with the interpreter that has KServe: asks a gateway in every way of its client.

KServe is imported where it is used: pytest imports every module of the tests, with an interpreter that has none.
"""

import asyncio
import json
import sys
from typing import Any

import numpy as np


def request(binary: bool, outputs: list[Any] | None = None) -> Any:
    """Two rows."""
    from kserve import InferInput, InferRequest

    inputs = []
    for name, datatype, values in (
        ("size", "FP32", np.array([2.0, -1.0], dtype=np.float32)),
        ("colour", "BYTES", np.array(["rot", "grün"], dtype=object)),
        ("fresh", "BOOL", np.array([True, False])),
    ):
        given = InferInput(name, list(values.shape), datatype)
        given.set_data_from_numpy(values, binary_data=binary)
        inputs.append(given)
    return InferRequest("size", inputs, request_id="mine", request_outputs=outputs)


def told(answer: Any) -> dict[str, Any]:
    """What an answer holds."""
    outputs = {each.name: each.as_numpy().tolist() for each in answer.outputs}
    label = [each.decode() if isinstance(each, bytes) else each for each in outputs["label"]]
    return {"id": answer.id, "model": answer.model_name, "label": label, "outputs": sorted(outputs)}


async def ask(rest: str, grpc: str) -> dict[str, Any]:
    """Everything."""
    from kserve.inference_client import InferenceGRPCClient, InferenceRESTClient, RESTConfig
    from kserve.protocol.infer_type import RequestedOutput

    found: dict[str, Any] = {}
    v1, v2 = (InferenceRESTClient(RESTConfig(protocol=name)) for name in ("v1", "v2"))
    found["live"] = [await client.is_server_live(rest) for client in (v1, v2)]
    found["ready"] = [await v2.is_server_ready(rest), await v2.is_model_ready(rest, "size")]
    found["v1"] = await v1.infer(rest, {"instances": [{"size": 2.0, "fresh": True}]}, model_name="size")
    found["json"] = told(await v2.infer(rest, request(False), model_name="size"))
    wanted = [RequestedOutput("label", parameters={"binary_data": True})]
    found["binary"] = told(await v2.infer(rest, request(True, wanted), model_name="size"))
    try:
        await v2.infer(rest, request(False), model_name="nope")
    except Exception as error:
        found["unknown"] = str(error)
    client = InferenceGRPCClient(grpc)
    found["grpc_ready"] = [
        await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("size"),
    ]  # fmt: skip
    found["grpc"] = told(await client.infer(request(True)))
    found["grpc_typed"] = told(await client.infer(request(False)))
    await client.close()
    await v1.close()
    await v2.close()
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(*sys.argv[1:]))))
