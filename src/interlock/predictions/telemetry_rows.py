"""Readings of devices become rows of their table. Called by `contents`; what cannot be a row was refused before."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from interlock.predictions.log_schema import TELEMETRY, TIME
from interlock.predictions.records import TelemetryRecord


def convert(records: Sequence[TelemetryRecord]) -> pa.Table:
    """Rows in the order in which they came."""
    readings = [reading for record in records for reading in record.readings]
    received = pa.array([record.at_us for record in records for _ in record.readings], pa.int64()).cast(TIME)
    columns = {
        "device": [reading.device for reading in readings],
        "sensor": [reading.sensor for reading in readings],
        "value": [reading.value for reading in readings],
        "at": pa.array([reading.at_us for reading in readings], pa.int64()).cast(TIME),
        "received_at": received,
        "source": [record.source for record in records for _ in record.readings],
        "date": pc.cast(received, pa.date32()),
    }
    return pa.table(columns, schema=TELEMETRY)
