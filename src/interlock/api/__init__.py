"""The control plane over REST: FastAPI above the services. It parses, checks who asks, calls a service, answers."""
