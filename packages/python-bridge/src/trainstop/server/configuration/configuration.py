"""The operator's configuration: one TOML file, one section a file, every key checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from trainstop.server.configuration.configuration_error import ConfigurationError
from trainstop.server.configuration.cors_section import CorsSection
from trainstop.server.configuration.limits_section import LimitsSection
from trainstop.server.configuration.log_section import LogSection
from trainstop.server.configuration.metrics_section import MetricsSection
from trainstop.server.configuration.nearest import not_known
from trainstop.server.configuration.people_section import PeopleSection
from trainstop.server.configuration.retention_section import RetentionSection
from trainstop.server.configuration.section import Section, read_section
from trainstop.server.configuration.server_section import ServerSection
from trainstop.server.configuration.store_section import StoreSection
from trainstop.server.configuration.templates import TemplatesReader
from trainstop.server.templates.template import Template

SECTIONS: dict[str, type[Section]] = {
    "server": ServerSection,
    "people": PeopleSection,
    "limits": LimitsSection,
    "cors": CorsSection,
    "log": LogSection,
    "store": StoreSection,
    "metrics": MetricsSection,
    "retention": RetentionSection,
}
"""Each table of the file beside `templates`. A field of `Configuration` bears the same name."""


@dataclass(frozen=True, slots=True)
class Configuration:
    server: ServerSection = field(default_factory=ServerSection)
    people: PeopleSection = field(default_factory=PeopleSection)
    limits: LimitsSection = field(default_factory=LimitsSection)
    cors: CorsSection = field(default_factory=CorsSection)
    log: LogSection = field(default_factory=LogSection)
    store: StoreSection = field(default_factory=StoreSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    retention: RetentionSection = field(default_factory=RetentionSection)
    templates: dict[str, Template] = field(default_factory=dict)


def read_configuration(path: Path) -> Configuration:
    """Raises ConfigurationError."""
    try:
        file = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: there is no such file; give the path of the configuration with --config."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: it can't be read as TOML: {error}.") from None
    known = [*SECTIONS, "templates"]
    for name in file:
        if name not in known:
            raise ConfigurationError(f"{path}: {name} {not_known(name, known)}.")
    sections = {name: read_section(path, name, SECTIONS[name], file.get(name, {})) for name in SECTIONS}
    return Configuration(templates=TemplatesReader(path).templates(file), **sections)  # type: ignore[arg-type]
