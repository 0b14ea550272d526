"""What the log says of what is not a strategy's own."""


def camel(name):
    """`charged-at-us` as `chargedAtUs`."""
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)


def number(value):
    """A rate as JSON writes whole numbers: without a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def problems(found):
    """Problems as the log has them."""
    return [vars(problem) for problem in found]
