"""`interlock demo`: the whole story on real data, through the same doors as any user's.

`flights.py` is the data, `models.py` trains the three versions, `replay.py` plays the callers, `story.py` directs,
`narrator.py` tells, `summary.py` counts. Nothing here has a shortcut into the product: it starts `interlock up` as a
child and speaks to it over HTTP.
"""
