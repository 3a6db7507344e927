"""What people write by hand: FastAPI, pydantic and scikit-learn's predict. MODEL names a skops file."""

import os

import numpy as np
import skops.io
from fastapi import FastAPI
from pydantic import BaseModel

_path = os.environ["MODEL"]
_model = skops.io.load(_path, trusted=skops.io.get_untrusted_types(file=_path))
app = FastAPI()


class Row(BaseModel):
    features: list[float]


@app.post("/predict")
def predict(row: Row) -> dict[str, object]:
    probabilities = _model.predict_proba(np.asarray([row.features]))[0]
    return {"label": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
