"""The planner's own API, /api/v1: JSON, problems with words, keyset pages, an OpenAPI document."""
