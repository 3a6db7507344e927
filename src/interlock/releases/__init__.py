"""Releases: a candidate earns traffic with evidence, and loses it the same way.

`service` is what people call, `controller` is the loop, `road` the state machine both move along. `evidence` gathers,
the gates judge (one file each), `canary` decides.
"""
