"""Releases as code: what a file says, compared with what is there, and put in force in one transaction.

A section of the file is a file here, by the protocol of `section.py`; `bootstrap` names them in the order in which they
are put in force. Called by the control API. It refuses what would break a running release, moves no traffic, and reads
no file: what a file says arrives as a document (`domain/configuration.py`).
"""
