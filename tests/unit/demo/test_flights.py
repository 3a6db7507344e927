import hashlib
from datetime import date
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from interlock.demo.flights import FEATURES, WEATHER, between, load, sample, split


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    return load()


def test_file_is_the_one_its_provenance_describes() -> None:
    folder = files("interlock.demo")
    content = folder.joinpath("flights.parquet").read_bytes()
    provenance = folder.joinpath("PROVENANCE.md").read_text()
    assert hashlib.sha256(content).hexdigest() in provenance
    assert f"{len(content):,} bytes" in provenance
    assert len(content) <= 3_000_000


def test_flights_come_in_order_of_scheduled_departure(flights: pa.Table) -> None:
    assert np.all(np.diff(flights["scheduled_at"].to_numpy()) >= np.timedelta64(0))


def test_local_columns_agree_with_the_time_zone_database(flights: pa.Table) -> None:
    rows = sample(flights, 0.01, seed=1).to_pylist()
    local = [row["scheduled_at"].astimezone(ZoneInfo("America/New_York")) for row in rows]
    assert [(row["local_date"], row["hour"], row["minute"], row["day_of_week"]) for row in rows] == [
        (at.date(), at.hour, at.minute, at.weekday()) for at in local
    ]


def test_every_flight_lands_after_it_was_asked_about(flights: pa.Table) -> None:
    assert np.all(flights["landed_at"].to_numpy() > flights["scheduled_at"].to_numpy())


def test_month_is_no_feature_and_only_weather_may_be_missing(flights: pa.Table) -> None:
    assert "month" not in FEATURES
    assert {name for name in flights.column_names if flights[name].null_count} == set(WEATHER)
    assert flights["pressure"].null_count / flights.num_rows == pytest.approx(0.11, abs=0.005)


def test_weather_has_the_two_decimals_of_its_source(flights: pa.Table) -> None:
    assert flights["temp"][0].as_py() == 39.02


def test_between_includes_both_local_dates(flights: pa.Table) -> None:
    days = between(flights, date(2013, 6, 1), date(2013, 6, 2))["local_date"]
    assert set(days.to_pylist()) == {date(2013, 6, 1), date(2013, 6, 2)}


def test_sample_is_repeatable_and_keeps_the_order(flights: pa.Table) -> None:
    kept = sample(flights, 0.4, seed=3)
    assert kept.num_rows == round(0.4 * flights.num_rows)
    assert kept.equals(sample(flights, 0.4, seed=3))
    assert not kept.equals(sample(flights, 0.4, seed=4))
    assert np.all(np.diff(kept["scheduled_at"].to_numpy()) >= np.timedelta64(0))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1])
def test_impossible_shares_are_refused(flights: pa.Table, share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        sample(flights, share, seed=0)


def test_split_divides_every_flight_once(flights: pa.Table) -> None:
    kept, held_out = split(flights, 0.15, seed=3)
    assert kept.num_rows + held_out.num_rows == flights.num_rows
    assert held_out.num_rows / flights.num_rows == pytest.approx(0.15, abs=0.005)
