"""Waiting for something to become true, and saying what it was when it did not."""

import time


class Impatient(AssertionError):
    """Something did not become true in time."""


def eventually(what, question, seconds=5.0, every=0.02):
    """Asks until the answer is truthy and returns it. What the last question threw, if it did, is part of the complaint."""
    end = time.monotonic() + seconds
    while True:
        trouble = None
        try:
            answer = question()
            if answer:
                return answer
        except (AssertionError, LookupError, OSError, ValueError) as error:
            trouble = error
        if time.monotonic() > end:
            raise Impatient(f"not within {seconds:g} s: {what}" + (f" ({trouble})" if trouble else ""))
        time.sleep(every)
