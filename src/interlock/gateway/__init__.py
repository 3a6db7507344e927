"""The data plane: decode, validate, assign, predict, record, answer. One process per worker, its own port.

Entry point: `worker.run`. Handlers know no transport (`exchange`), protocols know no models (`open_inference`,
`invocations`), and what answers knows no protocol (`answering`).
"""
