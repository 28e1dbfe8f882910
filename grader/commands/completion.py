"""``grade completion``: what makes a shell ask ``grade`` what may come next."""

from __future__ import annotations

import argparse

from grader.usage import FULL

_SHELLS = ("bash", "zsh", "fish")

# What argcomplete prints for zsh needs the function that defines completions.
_ZSH_NEEDS = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"


def add_completion(command: argparse.ArgumentParser) -> None:
    """The arguments of ``grade completion``."""
    command.add_argument(
        "shell",
        metavar="SHELL",
        choices=_SHELLS,
        help="bash, zsh or fish; `echo $SHELL` says which is yours",
    )


def completion(arguments: argparse.Namespace) -> int:
    """Print what goes into a shell's start-up file; the exit status."""
    from argcomplete.shell_integration import shellcode

    # Readline's own names of files would come where a name of ours is wrong.
    code = shellcode(["grade"], use_defaults=False, shell=arguments.shell)
    if arguments.shell == "zsh":
        first, line_end, rest = code.partition("\n")
        code = first + line_end + _ZSH_NEEDS + rest
    print(code, end="")
    return FULL
