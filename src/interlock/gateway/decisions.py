"""Decisions: what a person decided on a case, beside what a model answered. Read as labels are, kept apart from them.

A decision is an answer of its own, to be compared with the model's and with the label once it is there. Where what a
person says *is* the truth (annotation), it is sent as a label with the source `human` or `annotator`.
"""

import msgspec

from interlock.domain.contract import Contract
from interlock.gateway.feedback import Entry, Key, Noun, reader_of
from interlock.gateway.labels import value_reader
from interlock.predictions.records import Decision, DecisionsRecord


class DecisionsRequest(msgspec.Struct, gc=False):
    """The JSON of a request."""

    decisions: list[Entry]


_entries = reader_of(DecisionsRequest, "decisions")


def decisions(contract: Contract) -> Noun:
    """Decisions on cases of an endpoint whose champion has this contract."""
    read_value = value_reader("decision", contract)

    def read(key: Key, entry: Entry) -> Decision:
        return Decision(
            key.prediction_id, key.request_id, key.request_row, read_value(entry["decision"]),
            key.observed_at_us, key.source, key.weight,
        )  # fmt: skip

    return Noun("decision", _entries, ("decision",), "human", read, DecisionsRecord)
