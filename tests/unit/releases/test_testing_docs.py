"""What docs/testing.md shows of a plan is taken, and its table of gates is the truth."""

import re
import tomllib
from pathlib import Path

from interlock.domain.application_gates import ApplicationGates
from interlock.domain.release import HeldOutData, ReleasePlan, ReplayStep
from interlock.releases import plan as plans

PAGE = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()


def test_the_plan_is_one() -> None:
    block, with_data = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    strategy, plan = plans.of("canary", tomllib.loads(block))
    plans.check(plan, strategy)
    assert (plan.require_test, plan.test.at_least, plan.test.max_error_share) == (True, {"roc_auc": 0.7}, 0.0)
    plan = plans.of("canary", tomllib.loads(with_data))[1]
    plans.check(plan, strategy)
    assert plan.test_data == HeldOutData(file="heldout.csv", label="quality", slices=("region",), protected=("sex",))


def test_the_plan_with_a_replay_is_one_and_every_field_of_it_stands_in_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "replay.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    strategy, plan = plans.of("canary", tomllib.loads(block))
    plans.check(plan, strategy)
    assert plan.replay is not None
    assert (plan.replay.limit, plan.replay.min_agreement) == (100_000, 0.9)
    told = re.findall(r"^\| (`[a-z_`, ]+`) \| `?[^|]+ \| [^|]+ \|$", page.split("## As a step")[1], re.MULTILINE)
    assert {name for row in told for name in re.findall(r"`(\w+)`", row)} == set(ReplayStep.__struct_fields__)


def test_every_field_of_a_plan_is_told() -> None:
    page = (Path(__file__).parents[3] / "docs" / "releases.md").read_text()
    assert [name for name in ReleasePlan.__struct_fields__ if f"`{name}`" not in page] == []


def test_every_gate_stands_in_the_table_with_its_default() -> None:
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| ([^|]+) \|", PAGE, re.MULTILINE)
    told: dict[str, str] = {}
    for names, values in rows:
        listed = re.findall(r"`(\w+)`", names)
        given = values.replace("`", "").strip().split(", ")
        told.update(zip(listed, given * (len(listed) if len(given) == 1 else 1), strict=True))
    assert told.keys() == set(ApplicationGates.__struct_fields__)
    told.update(max_latency_ms=told["max_latency_ms"].replace("the deadline", "none"))
    assert told == {name: _spelled(getattr(ApplicationGates(), name)) for name in told}


def _spelled(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float | int) else "none"
