"""Version 1 of the contract: one `*_pb2` module a proto, `*_pb2_grpc` where it has a service."""
