"""What the log says of what is not a strategy's own."""

import re

SKIPPED = {"skipped": True}
DONE = {"done": True}


def camel(name):
    """`charged_at_us` as `chargedAtUs`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def number(value):
    """A rate as JSON writes whole numbers: without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def contract_problems(error):
    """Problems of settings as the contract spells them; the host spells them as the caller wrote the settings."""

    def kebab(name):
        return re.sub("[A-Z]", lambda letter: f"-{letter[0].lower()}", name)

    def phrase(allowed):
        return re.sub("`[^`]*`", lambda name: kebab(name[0]), allowed)

    return [{"path": kebab(p.path), "value": p.value, "allowed": phrase(p.allowed)} for p in error.problems]


def problems_of(error):
    """Problems as the log has them."""
    return [{"path": p.path, "value": p.value, "allowed": p.allowed} for p in error.problems]


def output(node, context, given):
    """The context of a call with the result of an earlier step in it."""
    result = getattr(given, "result", None)
    return SKIPPED if result is None else {"output": node.output(context, result)}


def brought(args, given):
    """The token that a call of a node brings: one that no step gave, or that of the step it names."""
    return args["token"] or getattr(given(args["ticket"]), "token", None)


def result_log(given):
    """The result of a node."""
    return given.result and given.result.to_dict()
