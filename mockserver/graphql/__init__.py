"""GraphQL: schemas, operations, sampled values and the replies of fields."""
