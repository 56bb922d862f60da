from __future__ import annotations

import pytest

from trainstop.server.templates.param import Param, ParamError, ParamType


@pytest.mark.parametrize("type_", ["integer", "number"])
@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_number_that_no_float_can_hold_is_refused(type_: ParamType, value: int) -> None:
    with pytest.raises(ParamError, match=r"^The parameter rate must be a (whole )?number"):
        Param("rate", type_, "Rate").check(value)


@pytest.mark.parametrize("value", [0, 1, -(2**53), 2**53, 0.5, 1e300])
def test_a_number_that_a_float_holds_is_taken_as_it_is(value: float) -> None:
    assert Param("rate", "number", "Rate").check(value) == value
