"""The log's benchmarks on a few rows: what they measure must be what the product does."""

from pathlib import Path

import pyarrow.compute as pc
import pytest

from benchmarks.log import product
from interlock import bootstrap
from interlock.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return product.make_home(tmp_path / "home")


def test_the_collector_brings_every_record_of_the_filled_spool_into_log_and_profiles(settings: Settings) -> None:
    product.fill_spool(settings, 60)
    product.collecting(settings)()
    assert product.logged(settings) == 60
    with bootstrap.build_store(settings).read() as tx:
        assert tx.profiles.latest_hour(product.ENDPOINT) is not None
    assert product.compact(settings) > 0


def test_written_days_are_rows_as_the_collector_writes_them(settings: Settings) -> None:
    product.fill_spool(settings, 10)
    product.collecting(settings)()
    product.write_day(settings, 1, rows=200, labelled=80)
    assert product.logged(settings) == 210
    assert product.quality_between(settings, 1, 1)() == 80
    assert product.quality_between(settings, 0, 1)() == 0
    labelled = bootstrap.build_reader(settings).labelled(product.ENDPOINT)
    assert pc.all(pc.is_in(labelled["label"], pc.cast(["true", "false"], "string"))).as_py()
