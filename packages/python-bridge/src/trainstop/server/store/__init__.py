"""The store: tables, records, transactions. Knows no rule. SQLite now; the statements suit PostgreSQL too."""
