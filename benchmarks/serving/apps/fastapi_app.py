"""What people write by hand: FastAPI, pydantic and scikit-learn's predict_proba. MODEL names a joblib file."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

_model = joblib.load(os.environ["MODEL"])
app = FastAPI()


class Row(BaseModel):
    features: list[float]


@app.post("/predict")
def predict(row: Row) -> dict[str, object]:
    probabilities = _model.predict_proba(np.asarray([row.features]))[0]
    return {"label": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
