"""The same service for any gRPC client: ``account.proto`` says what it is.

``facade`` serves it with grpcio, in the process of a node. ``interceptors`` see each call first:
who calls, and how long to wait for it.
"""
