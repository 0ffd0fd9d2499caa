"""Command lines: those of the options in `config`, read by tyro, and plain ones by argparse."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import fields, make_dataclass
from typing import Annotated, Any, get_type_hints

import tyro
from tyro import conf

from training.settings.config import TrainConfig, check


def parse(argv: Sequence[str], description: str) -> tuple[TrainConfig, bool]:
    """The configuration of a command line, and whether to go on with a run that stopped.

    Raises InputError where a training could not run.
    """
    own = {"resume": (bool, False, "go on where --out stopped")}
    config, values = read(argv, description, own)
    check(config)
    return config, values["resume"]


def read(
    argv: Sequence[str], description: str, own: dict[str, tuple[Any, Any, str]],
    names: Collection[str] = (), positional: str = "",
) -> tuple[TrainConfig, dict[str, Any]]:  # fmt: skip
    """The options of `names` (none: all) as a configuration, and the command's own values.

    own: name -> (type, default, help), a default of ... for what must be given; `positional` names
    the one of them that stands without a flag. Values are not checked yet (`config.check`).
    """
    types = get_type_hints(TrainConfig)
    arguments: list[Any] = []
    for name, (kind, default, what) in own.items():
        marked = conf.Positional[kind] if name == positional else kind
        argument = Annotated[marked, conf.arg(help=what)]
        arguments.append((name, argument) if default is ... else (name, argument, default))
    for field in fields(TrainConfig):
        if not names or field.name in names:
            aliases = [field.metadata["alias"]] if field.metadata["alias"] else None
            told = conf.arg(help=field.metadata["help"], aliases=aliases)
            arguments.append((field.name, Annotated[types[field.name], told], field.default))
    command = make_dataclass("Command", arguments)
    shape = (conf.FlagCreatePairsOff, conf.OmitArgPrefixes)
    values = vars(tyro.cli(command, args=argv, description=description, config=shape))
    config = TrainConfig(**{n: v for n, v in values.items() if n not in own})
    return config, {name: values[name] for name in own}


def parser_for(description: str) -> argparse.ArgumentParser:
    """A command line whose --help shows `description` as it stands, line by line."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
