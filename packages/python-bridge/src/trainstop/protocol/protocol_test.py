from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import trainstop.protocol

PROTOCOL = Path(__file__).parents[4] / "sdk" / "protocol"


def models() -> dict[str, type[BaseModel]]:
    """Every model of the protocol by its name."""
    found: dict[str, type[BaseModel]] = {}
    for module in pkgutil.iter_modules(trainstop.protocol.__path__, "trainstop.protocol."):
        if module.name.endswith("_test"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseModel):
                found[value.__name__] = value
    return found


MODELS = models()
SCHEMAS = sorted(path.stem for path in (PROTOCOL / "schemas").glob("*.json"))
VECTORS = [json.loads(path.read_text()) for path in sorted((PROTOCOL / "vectors").glob("*.json"))]


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(file["schema"], case["value"], id=f"{file['schema']}: {case['name']}")
        for file in VECTORS
        for case in file[kind]
    ]


def test_the_schemas_and_vectors_are_found() -> None:
    assert len(SCHEMAS) > 20
    assert [file["schema"] for file in VECTORS] == SCHEMAS


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_has_a_model_of_its_name(schema: str) -> None:
    assert schema in MODELS


@pytest.mark.parametrize(("schema", "value"), cases("valid"))
def test_what_the_zod_schemas_take_the_models_take(schema: str, value: Any) -> None:
    MODELS[schema].model_validate(value)


@pytest.mark.parametrize(("schema", "value"), cases("invalid"))
def test_what_the_zod_schemas_refuse_the_models_refuse(schema: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        MODELS[schema].model_validate(value)


@pytest.mark.parametrize(("schema", "value"), cases("valid"))
def test_a_value_that_went_through_a_model_is_the_same_value(schema: str, value: Any) -> None:
    model = MODELS[schema].model_validate(value)
    again = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert again == {key: value[key] for key in again}
