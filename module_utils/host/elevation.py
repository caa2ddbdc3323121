"""Runs the few commands that need root: as root, or through sudo where the host's owner allows exactly these.

What stands here is what a host's sudoers file has to allow; roles/host_inspection/README.md has it as text. Nothing
else is asked of sudo, as each refusal goes into the host's security log.
"""

import fnmatch
import os
import re
import shutil
from typing import List, NamedTuple, Optional, Sequence

from ..measuring import commands
from ..measuring.errors import Unmeasurable
from .context import Context

#: An ordinary user cannot end what runs as root, so each command ends itself: asked after a minute, made to 5 s later.
SECONDS = 60
BOUND = ("/usr/bin/timeout", "-k", "5", str(SECONDS))
#: How timeout(1) says that it had to; sudo passes on the signal that ended its command.
EXPIRED = (124, 137, -9)

#: Prints each open file of each process as its target and its descriptor's path, and of deleted ones also what the
#: kernel knows of the descriptor. It asks for none of the files themselves, which may be on a dead server, and keeps
#: out of map_files, where a process that hangs makes whoever looks wait for it.
FIND = (
    "/usr/bin/find /proc -mindepth 2 -maxdepth 3 -type d -not -name fd -prune"
    " -o -path /proc/*/fd/* -printf %l -print0"
    " -lname *(deleted) -execdir /bin/cat ../fdinfo/{} ; -print0"
)
#: Prints device, inode, mode, links, blocks of 512 bytes, and the path as it was asked.
STAT = "/usr/bin/stat -L -c %d-%i-%f-%h-%b-%n"

SMARTCTL = "/usr/sbin/smartctl"
#: Drives by the names that smartctl asks them by; those of a MegaRAID controller by their number on it. Patterns with
#: a star would let more arguments through, and smartctl can change drives too.
SCSI = ("-d auto /dev/sd[a-z]", "-d auto /dev/sd[a-z][a-z]")
NVME = ("-d auto /dev/nvme[0-9]", "-d auto /dev/nvme[0-9][0-9]", "-d auto /dev/nvme[0-9]n[0-9]")
MEGARAID = ("-d megaraid,[0-9] /dev/bus/[0-9]", "-d megaraid,[0-9][0-9] /dev/bus/[0-9]")
MEGARAID_SATA = tuple(drive.replace("megaraid", "sat+megaraid") for drive in MEGARAID)

STORCLI = ("/opt/MegaRAID/storcli/storcli64", "/opt/MegaRAID/perccli/perccli64")


class Allowed(NamedTuple):
    """A command that sudo is asked for; ``arguments`` is a pattern of fnmatch(3), in which ``[*]`` is a mere star."""

    group: str
    program: str
    arguments: str


def _exactly(group: str, command: str, more: str = "") -> Allowed:
    """Return what allows a command alone, or followed by what the pattern ``more`` matches."""
    program, _, arguments = command.partition(" ")
    return Allowed(group, program, re.sub(r"[*?[]", r"[\g<0>]", arguments) + more)


ALLOWED = (
    _exactly("FILES", FIND),
    _exactly("FILES", STAT, " /proc/[0-9]*/fd/[0-9]*"),
    Allowed("DRIVES", SMARTCTL, "--json --scan-open"),
    *(Allowed("DRIVES", SMARTCTL, "--json -i -H -A " + drive) for drive in SCSI + NVME + MEGARAID + MEGARAID_SATA),
    *(Allowed("DRIVES", SMARTCTL, "--json -l error " + drive) for drive in SCSI + MEGARAID),
    *(Allowed("ARRAYS", tool, "/call/vall show J nolog") for tool in STORCLI),
)

#: What sudo says when it does not run a command. It also warns, and goes on, where it cannot look up the host's name
#: or, in containers, change a limit (1.8.31).
REFUSAL = re.compile(
    r"^sudo: (?!unable to resolve host|setrlimit)|not in the sudoers file|is not allowed to|may not run sudo",
    re.MULTILINE,
)


def possible(context: Context) -> bool:
    """Return whether a command that needs root may be tried."""
    return context.privileged or context.inputs.sudo


def run(context: Context, argv: Sequence[str], accepted: Sequence[int] = (0,)) -> commands.Completed:
    """Return what a command that needs root printed.

    Raises Unmeasurable: not_permitted where sudo refuses, is missing or is not to be asked; else as commands.run().
    """
    if context.privileged:
        return commands.run(argv, context.inputs.command_timeout, accepted)
    allowed = covering(argv) if context.inputs.sudo else None
    if allowed is None:
        raise Unmeasurable("not_permitted", command=os.path.basename(argv[0]))
    shown = "sudo " + allowed.program
    if allowed in context.refused or not commands.available("sudo"):
        raise Unmeasurable("not_permitted", command=shown)
    try:
        completed = commands.run(through_sudo(allowed, argv), context.inputs.command_timeout, range(-64, 256))
    except Unmeasurable as why:
        raise Unmeasurable(why.code, **dict(why.parameters, command=shown)) from None
    silent = not completed.output.strip()
    if silent and completed.code == 1 and REFUSAL.search(completed.errors):
        context.refused.add(allowed)
        raise Unmeasurable("not_permitted", command=shown)
    if completed.code in EXPIRED and (silent or completed.code not in accepted):
        raise Unmeasurable("timed_out", command=shown, seconds=SECONDS)
    if completed.code not in accepted:
        message = completed.errors.strip()[-commands.MESSAGE_LENGTH :] or "exit code %d" % completed.code
        raise Unmeasurable("command_failed", command=shown, message=message)
    return completed


def covering(argv: Sequence[str]) -> Optional[Allowed]:
    """Return what allows a command, by its name wherever it lies; None where a sudoers file like ours would refuse."""
    name, arguments = os.path.basename(argv[0]), " ".join(argv[1:])
    for allowed in ALLOWED:
        if os.path.basename(allowed.program) == name and fnmatch.fnmatchcase(arguments, allowed.arguments):
            return allowed
    return None


def through_sudo(allowed: Allowed, argv: Sequence[str]) -> List[str]:
    """Return the command as sudo is asked for it: by the path that the sudoers file names, if the program is there."""
    program = allowed.program if os.path.exists(allowed.program) else _found(argv[0])
    return ["sudo", "-n", "--"] + list(BOUND) + [program] + list(argv[1:])


def _found(tool: str) -> str:
    return shutil.which(tool, path=commands.SEARCH_PATH) or tool
