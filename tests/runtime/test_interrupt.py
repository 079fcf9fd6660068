"""A Ctrl-C that another library swallows is raised again."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest
from immunesim.runtime.interrupt import interrupts_remembered, raise_if_interrupted


@interrupts_remembered()
def swallow_one() -> None:
    with suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    raise_if_interrupted()


def test_an_interrupt_that_was_swallowed_is_raised_again() -> None:
    with pytest.raises(KeyboardInterrupt):
        swallow_one()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    raise_if_interrupted()


def test_another_handler_stays() -> None:
    heard = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with interrupts_remembered():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert heard == [signal.SIGINT]
