"""A gateway worker reduced to its spool, to be killed: `spool_writer.py FOLDER SIDE_FILE FIRST`.

Appends numbered records for as long as it lives. What `append` returned from is then written to the side file and
synced: the auditor's knowledge of what was acknowledged. Every tenth record is followed by its label.
"""

import os
import sys
from itertools import count
from pathlib import Path
from threading import Thread
from time import sleep

from tests.integration.predictions.conftest import label, labels, prediction

from interlock.predictions.records import encoder
from interlock.predictions.spool import Spool


def seal(spool: Spool) -> None:
    while True:
        spool.seal(force=True)
        sleep(0.03)


def main(folder: Path, side_file: Path, first: int) -> None:
    assigned = {"release_id": "r1", "step": 0}
    with Spool(folder) as spool, side_file.open("a") as side:
        Thread(target=seal, args=(spool,), daemon=True).start()
        print("ready", flush=True)
        for number in count(first):
            record = prediction(number, rows=number % 3 + 1, assigned=assigned)
            spool.append(encoder.encode(record), rows=len(record.prediction_ids), endpoint="wine")
            names = list(record.prediction_ids)
            if number % 10 == 0:
                given = labels(label(names[0], number))
                spool.append(encoder.encode(given), rows=0, endpoint="wine", sync=True)
                names.append(f"label:{names[0]}")
            side.write("".join(f"{name}\n" for name in names))
            side.flush()
            os.fsync(side.fileno())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
