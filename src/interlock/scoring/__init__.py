"""Scoring of rows that were answered already: of a release, by the version that did not answer them; of the past, by a
candidate. Nothing is imported here: the control API starts replays and must not pay for the runtimes."""
