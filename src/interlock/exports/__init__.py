"""Files for other programs: alert rules for Prometheus, a dashboard for Grafana.

Made of the names that the gateway counts under (`gateway/metrics.py`) and of the default alert rules, so that they fit
the version that writes them. They see what `/metrics` shows: service, refusals, the log. Quality, drift and releases
are told of by Interlock's own alerts.
"""
