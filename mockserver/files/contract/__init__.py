"""
OpenAPI documents, 3.0 and 3.1, as what a service promises: its operations, with schemas ready to be asked.

`reading.read` is the door. A scenario is held to such a contract, and can be made of one.
"""
