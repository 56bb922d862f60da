"""`[store]`"""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from trainstop.server.configuration.section import Section


class StoreSection(Section):
    url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL that several servers may share, as in "
        "postgresql://USER:PASSWORD@HOST/DATABASE. Without one, the store is trainstop.db in the data "
        "directory. TRAINSTOP_STORE_URL in the server's environment goes before it.",
    )
    url_file: str | None = Field(
        default=None,
        min_length=1,
        description="Absolute path of a file that holds the URL, so that its password lies nowhere else.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise ValueError("gives both url and url_file; keep one of them")
        return self
