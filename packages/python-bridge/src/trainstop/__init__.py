"""Trainstop: the stop button for machine-learning training.

A training script needs one name, `trainstop.run`; see its docstring. What it takes is imported when it is
first used, so that `import trainstop` costs nothing, and the shim never loads it.
"""

__version__ = "0.1.0"
__all__ = ["Run", "Turn", "__version__", "run"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainstop.training.run import Run, run
    from trainstop.training.turn import Turn


def __getattr__(name: str) -> object:
    if name in ("run", "Run"):
        from trainstop.training.run import Run, run

        globals().update(Run=Run, run=run)
    elif name == "Turn":
        from trainstop.training.turn import Turn

        globals().update(Turn=Turn)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[name]


def __dir__() -> list[str]:
    return [*globals(), "Run", "Turn", "run"]
