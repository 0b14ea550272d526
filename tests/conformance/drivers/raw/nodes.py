"""What the nodes of all strategies have in common."""

import json

from log import problems


def brought(args, given):
    """The token that a call brings: one that no step gave, or that of the step it names."""
    return args["token"] or given(args["ticket"], "token")


def output(node, args, given):
    """The context of a call with the result of an earlier step in it."""
    result = given(args["result"], "result")
    if result is None:
        return None
    text = node.ask("output", args["context"], json.dumps(result, ensure_ascii=False, separators=(",", ":")))
    return {"problems": problems(text)} if isinstance(text, list) else {"output": text}


def result_of(step):
    return json.loads(step["result"]) if step["result"] else None
