"""OpenAPI documents: operations, schemas, and the validation of requests and replies."""
