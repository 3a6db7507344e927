"""The pages of the control port: what an operator looks at every morning, and at three at night.

Server-rendered, nothing loaded from elsewhere, readable without a script. Routes read the same services as the API's
and compute nothing; what is drawn is laid out in `charts`, what is said is spelt in `states` and `wording`.
"""
