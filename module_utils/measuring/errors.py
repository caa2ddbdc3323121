"""The one error that measuring raises: why a figure could not be had."""

from typing import Any


class Unmeasurable(Exception):
    """A check could not be measured; the code and its parameters become the observation's reason."""

    def __init__(self, code: str, **parameters: Any) -> None:
        super().__init__(code, parameters)
        self.code = code
        self.parameters = parameters
