"""gRPC: schemas, messages as JSON, replies. It needs the extra `grpc`; the protocol on the wire is in `http/`."""
