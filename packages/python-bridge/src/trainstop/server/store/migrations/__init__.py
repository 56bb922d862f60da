"""The schema step by step, by Alembic; run by `schema.prepare` whenever a store is opened."""
