"""What parameters are made of: the base of every stage's model, and units as types.

Which parameters there are, with their defaults and sources, stands beside the
measures in their ``params.py``; `metros.config` gathers them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Every number has a least and a greatest value: what lies beyond is a slip of the pen, and
# would take memory or time without end.
Metres = Annotated[float, Field(gt=0, le=1_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Minutes = Annotated[float, Field(gt=0, le=1_440)]
Speed = Annotated[float, Field(gt=0, le=500)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def fixed(value: object, by: str) -> AfterValidator:
    """A key with one allowed value, because names or words elsewhere state that value.

    Parameters
    ----------
    value
        The value allowed.
    by
        What states it, such as ``column population_60min of layer zones``.
    """

    def check(found: object) -> object:
        if found != value:
            raise ValueError(f"fixed at {as_text(value)} by {by}; leave the key out")
        return found

    return AfterValidator(check)


def as_text(value: object) -> str:
    """A value as a metro file writes it: ``30``, ``[15, 30]``, ``drive``."""
    if isinstance(value, tuple):
        return f"[{', '.join(as_text(each) for each in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


class StageParams(BaseModel):
    """Base of every stage's parameters: frozen, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
