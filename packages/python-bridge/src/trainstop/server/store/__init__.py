"""The store: tables, records, transactions, over SQLite or PostgreSQL. Knows no rule."""
