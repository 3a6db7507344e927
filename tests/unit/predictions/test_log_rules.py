from pathlib import Path

import numpy as np
from tests.pictures import pixels, png

from interlock.domain.block import Block
from interlock.predictions.hashing import Hasher
from interlock.predictions.log_rules import Images, LogRules
from interlock.predictions.parts import unpack


def test_a_matrix_keeps_the_columns_without_a_rule_side_by_side(tmp_path: Path) -> None:
    block = Block(("a", "b", "c", "d"), np.array([[1.0, 2.0, 3.0, 4.0], [5.0, np.nan, 7.0, 8.0]]))
    hasher = Hasher(tmp_path)
    plain, hashed = LogRules({"input.b": "hash", "input.c": "drop"}).inputs(block, {}, hasher)
    assert {name: values.tolist() for name, values in unpack([plain], 2)} == {"a": [1.0, 5.0], "d": [4.0, 8.0]}  # type: ignore[union-attr]  # arrays
    assert (hashed.names, hashed.values) == (("b~hash",), [hasher.digest("2.0"), None])


def test_outputs_have_rules_of_their_own(tmp_path: Path) -> None:
    outputs = {"label": np.array(["x"], dtype=object), "probabilities": np.array([[0.5, 0.5]])}
    rules = LogRules({"input.label": "drop", "output.label": "hash"})
    found = rules.outputs(outputs, Hasher(tmp_path))
    assert [part.names for part in found] == [("probabilities",), ("label~hash",)]
    assert rules.withheld({}, outputs) == ["output.label"]
    assert rules.withheld({}, {}) is None


def test_sticky_keys_are_kept_hashed_or_left_out(tmp_path: Path) -> None:
    hasher = Hasher(tmp_path)
    assert LogRules().units(["anna", None], hasher) == ["anna", None]
    assert LogRules({"unit": "hash"}).units(["anna", None], hasher) == [hasher.digest("anna"), None]
    assert LogRules({"unit": "drop"}).units(["anna", None], hasher) == [None, None]


def test_images_are_written_as_they_were_sent(tmp_path: Path) -> None:
    columns = {"photo": np.stack([pixels(), pixels()])}
    images: Images = {"photo": [png(), pixels(seed=1)]}
    (part,) = LogRules(image_shares={"photo": 0.25}).inputs(columns, images, Hasher(tmp_path))
    assert (part.image_share, part.values) == (0.25, [png(), [8, 6, 3, pixels(seed=1).tobytes()]])
    (hashed,) = LogRules({"input.photo": "hash"}, {"photo": 1.0}).inputs(columns, images, Hasher(tmp_path))
    assert hashed.names == ("photo~hash",)
    assert LogRules({"input.photo": "drop"}, {"photo": 1.0}).inputs(columns, images, Hasher(tmp_path)) == []
