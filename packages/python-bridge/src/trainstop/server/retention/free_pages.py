"""What was deleted is given back to the disk, a bit at a time. PostgreSQL does that by itself."""

from __future__ import annotations

from typing import Any

from trainstop.server.store.database import Database

PAGES = 200
"""At once: a few milliseconds of the writer's time."""
KEPT_PAGES = 500
"""Free ones that are left for what comes next."""


def give_back_pages(database: Database) -> bool:
    """A few of a SQLite file's free pages; whether there are more. None of a file that was made before 0.2,
    whose free pages are used again but stay its own until an operator's `VACUUM`."""
    if database.shared:
        return False
    with database.write() as connection:
        free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        incremental = connection.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() == 2
        if not incremental or free <= KEPT_PAGES:
            return False
        # Each step of it frees one page, so it is read to its end as if it had rows.
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
    return bool(free - PAGES > KEPT_PAGES)
