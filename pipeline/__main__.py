"""``python -m pipeline``: the same as the ``metro-integration`` command."""

from pipeline.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
