"""Exit codes, and errors as one line on standard error."""

from __future__ import annotations

import sys
import traceback

from pipeline.errors import PipelineError
from pipeline.flow.progress import as_shown, print_error

OK, FAILED, WRONG_USAGE = 0, 1, 2


def report_error(error: BaseException, is_debug: bool, where: str = "") -> None:
    """One line on standard error; the traceback too with ``is_debug``, or a hint at it."""
    if is_debug:
        print(as_shown("".join(traceback.format_exception(error))), file=sys.stderr)
    text = str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, PipelineError) and not is_debug:
        text += " (run with --debug for the traceback)"
    print_error(f"{where}: {text}" if where else text)
