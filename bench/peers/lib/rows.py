"""Rows of several runs as one list, in the form of all benchmarks of the project."""
import json
from statistics import median

KEY = ("op", "algo", "beside", "nodes", "node_size", "size", "in_place", "single")


def key_of(row):
    return tuple(row.get(name) for name in KEY)


def merge(runs):
    """The median over the rounds; the worst of the checks."""
    same = {}
    for run in runs:
        for row in run["rows"]:
            same.setdefault(key_of(row), []).append(row)
    rows = []
    for found in same.values():
        middle = median(row["time_us"] for row in found)
        rows.append({**found[0], "time_us": middle, "wrong": sum(row["wrong"] or 0 for row in found)})
    return {"context": runs[-1]["context"], "rows": rows}


def write(path, merged, command):
    context = {**merged["context"], "program": "peers", "command": " ".join(["peers"] + command[1:])}
    with open(path, "w", encoding="utf-8") as file:
        lines = ",\n".join("  " + json.dumps(row) for row in merged["rows"])
        file.write('{"context": ' + json.dumps(context) + ',\n "rows": [\n' + lines + "\n]}\n")
