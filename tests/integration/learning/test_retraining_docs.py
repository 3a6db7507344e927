"""What docs/retraining.md shows is true."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from interlock.domain.retraining import Retraining, parse
from interlock.learning.context import TrainingContext

if TYPE_CHECKING:
    from tests.integration.learning.conftest import World

PAGE = (Path(__file__).parents[3] / "docs" / "retraining.md").read_text()


def _block(language: str) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0])


def test_the_file_names_every_field_and_can_be_read() -> None:
    document = yaml.safe_load(_block("yaml"))
    assert parse(document).entry == "learn.train"
    unnamed = set(Retraining.__struct_fields__) - set(document)
    assert unnamed == set()


def test_every_attribute_that_is_named_is_there() -> None:
    table = PAGE[PAGE.index("| of the context |") : PAGE.index("It runs in a process of its own, with")]
    for name in re.findall(r"`(\w+)(?:\([^)]*\))?`", table):
        if name not in ("weight", "event_at", "observed_at", "unit"):
            assert hasattr(TrainingContext, name) or name in (TrainingContext.__doc__ or ""), name


@pytest.mark.slow
def test_the_trainer_trains(world: "World") -> None:
    code = world.folder / "code"
    code.mkdir()
    (code / "learn.py").write_text(_block("python"))
    world.declare(trainer="python:learn.train", code=str(code))
    run = world.perform()
    assert run.state == "registered", run.reason
    assert run.data is not None
    assert run.metrics == {"rows": run.data.training_rows}
