"""Scoring of rows that were answered already: today the rows of a release, by the version that did not answer them."""

from interlock.scoring.paired import PairedScorer

__all__ = ["PairedScorer"]
