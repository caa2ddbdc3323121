"""Every error that a user may meet, and the exit code that it ends the program with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the program's exit code says."""

    DONE = 0  # done
    FINDINGS = 1  # done, and what was examined is bad
    BAD_INPUT = 2  # bad input or usage
    REFUSED = 3  # refused by a gate
    RUN_FAILED = 4  # the run failed, is partial or incomplete
    MACHINE = 5  # the program or its machine failed
    INTERRUPTED = 130  # interrupted by a person or a signal


class WeibaoError(Exception):
    """An error whose message is ready for the user."""

    exit_code = ExitCode.MACHINE


class BadInput(WeibaoError):
    """What the user gave is wrong; nothing was changed."""

    exit_code = ExitCode.BAD_INPUT


class Refused(WeibaoError):
    """A gate refused what was asked for."""

    exit_code = ExitCode.REFUSED


class MachineError(WeibaoError):
    """The machine that runs the program cannot do it: disk, permissions, missing parts."""

    exit_code = ExitCode.MACHINE


class VerificationError(WeibaoError):
    """Evidence does not verify."""

    exit_code = ExitCode.FINDINGS
