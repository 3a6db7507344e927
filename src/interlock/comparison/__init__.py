"""Two sets of rows side by side, with no server: has anything drifted, and how good is the model likely to be.

Called by `interlock drift`, `interlock estimate` and the functions of the same names. Reads files and frames; asks no
store, no log, and judges no window of an endpoint (`monitoring` does).
"""
