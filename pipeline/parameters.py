"""What parameters are made of: the base of every stage's model, and units as types.

Which parameters there are, with their defaults and sources, stands beside the
measures in their ``params.py``; `metros.config` gathers them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Metres = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Minutes = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Speed = Annotated[float, Field(gt=0, le=500)]


class StageParams(BaseModel):
    """Base of every stage's parameters: frozen, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
