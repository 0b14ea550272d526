"""Workflow nodes: their calls, and their answers as the log writes them."""

import json

from component import record


def call(node, step, token, result):
    """The method and its arguments; None where what it would bring was not given; or the answer, if it needs no store."""
    method = step["call"]
    if method == "output":
        return None if result is None else output_of(node, step["context"] or "{}", result)
    if node.kind == "rate-limiter-node":
        return limiter_call(node, step, token)
    if method in ("succeeded", "cancelled"):
        return method, [token or ""]
    if method == "failed":
        return method, [token or "", errors(step["error"])]
    return method, []


def errors(error):
    """An error and its causes, each before its own, as records of the contract."""
    texts = {name: text for name, text in error.items() if name != "causes"}
    return [record(**texts)] + [each for cause in error["causes"] for each in errors(cause)]


def limiter_call(node, step, token):
    subject = node.ask("subject", step["context"] or "{}")
    if step["call"] == "subject":
        return {"subject": vars(subject)}
    if step["call"] == "abandon":
        return None if token is None else ("abandon", [token])
    return "step", [subject.priority, token or ""]


def output_of(node, context, result):
    text = node.ask("output", context, json.dumps(result, ensure_ascii=False, separators=(",", ":")))
    return {"problems": problems(text)} if isinstance(text, list) else {"output": text}


def answer_of(kind, answer, report_log):
    """A decision of a node."""
    if isinstance(answer, bool):
        return {"held": answer}
    if isinstance(answer, list):
        return {"problems": problems(answer)}
    step = vars(answer)
    result = json.loads(step["result"]) if step["result"] else None
    if kind == "rate-limiter-node":
        return {"nodeStep": {"done": step["done"], "waitMs": step["wait-ms"], "token": step["token"], "result": result}}
    report = vars(step["report"])
    logged = {"token": step["token"], "result": result, "report": report_log(report)}
    return {"circuitStep": logged, "settle": report["settle"]}


def problems(found):
    """Problems as the log has them."""
    return [vars(problem) for problem in found]
