#!/usr/bin/env python3
"""Draws benchmark rows as SVG, one picture for each operation, geometry, type and form. Needs gnuplot.

Where the rows have a limit (mics_perf --rate), it is drawn too.
"""

import argparse
import pathlib
import subprocess

import rows as table

AXES = {
    "time_us": "time (us)",
    "algbw": "algorithm bandwidth (GB/s)",
    "busbw": "bus bandwidth (GB/s)",
    "node_in_bytes": "bytes into the busiest node",
    "over_copy": "time / plain copy",
    "over_limit": "time / limit of the network",
}
LINEAR = ("algbw", "busbw", "over_copy", "over_limit")


def title(case):
    op, transport, nodes, node_size, partition, kind, redop, in_place = case
    reduction = f" {redop}" if redop else ""
    form = "in place" if in_place else "out of place"
    return f"{op} {kind}{reduction}, {form}: {transport}, {nodes} x {node_size} ranks, partition {partition}"


def file_name(case, y, pattern):
    op, transport, nodes, node_size, partition, kind, redop, in_place = case
    if pattern:
        form = "in" if in_place else "out"
        fields = {"op": op, "transport": transport, "nodes": nodes, "node_size": node_size, "partition": partition}
        return pattern.format(**fields, type=kind, redop=redop or "none", form=form, y=y) + ".svg"
    parts = [op, transport, f"{nodes}x{node_size}", f"p{partition}", kind, redop or "", "in" if in_place else "out", y]
    return "-".join(part for part in parts if part) + ".svg"


def script(case, by_algorithm, y, path):
    lines = [
        "set terminal svg size 800,500 dynamic background 'white' font 'sans-serif,13'",
        f"set output '{path}'",
        f"set title '{title(case)}' noenhanced",
        "set logscale x 2",
        "set format x '%.0b %BB'",
        "set xlabel 'size (B)'",
        f"set ylabel '{AXES[y]}'",
        "set grid",
        "set key left top noenhanced",
        "set yrange [0:*]" if y in LINEAR else "set logscale y",
    ]
    plots = []
    for number, (algorithm, points) in enumerate(by_algorithm.items()):
        lines += [f"$c{number} << end", *(f"{size} {value}" for size, value in points), "end"]
        points_too = "linespoints pointtype 7 pointsize 0.6"
        style = "lines dashtype 2 linecolor 'black'" if algorithm == "limit" else points_too
        plots.append(f"$c{number} with {style} linewidth 1.5 title '{algorithm}'")
    return "\n".join([*lines, "plot " + ", ".join(plots), ""])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="+", help="JSON files written with --json")
    arguments.add_argument("--y", choices=AXES, default="time_us")
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="folder of the pictures")
    arguments.add_argument("--algo", help="only these algorithms, by commas")
    arguments.add_argument("--least", type=int, default=0, help="only sizes of so many bytes and more")
    arguments.add_argument("--form", choices=("in", "out"), help="only calls in place, or out of place")
    arguments.add_argument(
        "--name",
        help="of each picture; {op} {transport} {nodes} {node_size} {partition} {type} {redop} {form} {y} are filled in",
    )
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wanted = given.algo.split(",") if given.algo else None
    rows = [
        row
        for row in table.load(given.files)
        if (wanted is None or row["algo"] in wanted)
        and (given.form is None or row["in_place"] == (given.form == "in"))
        and row["size"] >= given.least
    ]
    drawn = table.curves(rows, given.y)
    if not drawn:
        arguments.exit(1, f"no row of these files has a figure for '{given.y}'\n")
    for case, by_algorithm in drawn.items():
        path = given.out / file_name(case, given.y, given.name)
        subprocess.run(["gnuplot"], input=script(case, by_algorithm, given.y, path), text=True, check=True)
        print(path)


if __name__ == "__main__":
    main()
