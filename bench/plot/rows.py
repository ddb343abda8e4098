"""Reads the rows that the project's benchmarks write, and groups them into curves."""

import json
from collections import defaultdict
from statistics import median

GEOMETRY = ("transport", "nodes", "node_size", "partition")
CASE = ("op", *GEOMETRY, "type", "redop", "in_place")
FIGURES = ("time_us", "algbw", "busbw", "node_in_bytes")


def load(paths):
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            rows += json.load(file)["rows"]
    return rows


def case_of(row):
    return tuple(row[name] for name in CASE)


def figure(rows, y):
    """A function from a row to its value: one of FIGURES, or its time over that of a plain copy or of the network's limit."""
    if y in FIGURES:
        return lambda row: row[y]
    if y == "over_limit":
        return lambda row: row["time_us"] / row["limit_us"] if row["limit_us"] else None
    copies = {(case_of(row), row["size"]): row["time_us"] for row in rows if row["algo"] == "memcpy"}

    def over_copy(row):
        copy = copies.get((case_of(row), row["size"]))
        return row["time_us"] / copy if copy and row["algo"] not in ("memcpy", "barrier") else None

    return over_copy


def limit(row, y):
    """What the network allows at best, in the figure's terms; nothing where the row has no limit."""
    if not row["limit_us"]:
        return None
    if y == "time_us":
        return row["limit_us"]
    if y == "over_limit":
        return 1
    return row[y] * row["time_us"] / row["limit_us"] if y in ("algbw", "busbw") and row[y] else None


def curves(rows, y):
    """{case: {algorithm: [(size, value), ...]}}, by size, without rows that lack the figure; of what was measured several
    times, as what stands beside each of its peers, the median. The network's limit comes last, as one more algorithm."""
    value_of = figure(rows, y)
    found = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    limits = defaultdict(dict)
    for row in rows:
        value = value_of(row)
        if value is not None:
            found[case_of(row)][row["algo"]][row["size"]].append(value)
            if limit(row, y) is not None:
                limits[case_of(row)][row["size"]] = limit(row, y)
    drawn = {
        case: {name: [(size, median(sizes[size])) for size in sorted(sizes)] for name, sizes in algorithms.items()}
        for case, algorithms in found.items()
    }
    for case, at_sizes in limits.items():
        drawn[case]["limit"] = sorted(at_sizes.items())
    return drawn
