"""The admin API: the table of endpoints, the access check, OpenAPI document and dashboard."""
