"""Files for other programs: alert rules for Prometheus, a dashboard for Grafana.

Made of the names that the gateway counts under (`gateway/metrics.py`), of those that the control port shows
(`control_metrics.py` and what it joins: checks, releases, alerts, devices, processes, the machine), and of the default
alert rules, so that they fit the version that writes them.
"""
