#!/usr/bin/env python3
"""Draws what mics_simulate says as SVG: mics_simulate's --series, one picture each. Needs gnuplot."""

import argparse
import pathlib
import subprocess

LABELS = "set title '{title}' noenhanced; set xlabel '{x}'; set ylabel '{y}'"

# name: title, x, y, further gnuplot settings, titles of the columns after the first, columns drawn dashed
PICTURES = {
    "weak_scaling": (
        "Simulated weak scaling: 100B parameters on p4d (A100-40GB), p = 128, 4 micro-steps",
        "GPUs",
        "PFLOPS of the cluster",
        "set key left top; set xrange [0:1088]; set xtics 128; set yrange [0:*]",
        ["linear from 128 GPUs", "MiCS", "ZeRO-3, coalesced and prefetching", "ZeRO-3 as in DeepSpeed 0.5.6"],
        {0},
    ),
    "partition": (
        "Simulated throughput against the partition size: 30B parameters on 256 p4d GPUs",
        "p",
        "TFLOPS a GPU",
        "set logscale x 2; set key left bottom; set yrange [100:150]",
        ["hierarchical", "hierarchical, stages overlapped", "flat ring"],
        set(),
    ),
    "hierarchical": (
        "Model: hierarchical all-gather (overlapped stages) over flat ring, p4d, k = 8",
        "M",
        "times faster",
        "set logscale x 2; set format x '%.0b %BB'; set yrange [0:*]; set key right top",
        ["p = 16", "p = 64", "p = 512"] + [f"p = {p}, ring step only between nodes" for p in (16, 64, 512)],
        {3, 4, 5},
    ),
    "two_hop": (
        "Two-hop against an all-reduce at every micro-step: 20 GB on 64 GPUs, 120 GB/s in a node, 8 GB/s a node",
        "micro-steps",
        "times cheaper (closed form)",
        "unset key; set yrange [0:*]",
        ["gain"],
        set(),
    ),
    "large": (
        "Simulated: 1T parameters, 1,200 to 100,000 p5e GPUs, p = 400, 4 micro-steps",
        "GPUs",
        "TFLOPS a GPU",
        "set logscale x; set format x '%.0f'; set yrange [0:500]; set key right center",
        ["MiCS", "MiCS, 2 % jitter", "ZeRO-3, coalesced and prefetching", "the same, 2 % jitter"],
        {1, 3},
    ),
}


# PFLOPS from the AWS blog on MiCS: TFLOPS a GPU at 512 GPUs, and from the scaling efficiency those at 128
PUBLISHED = [(gpus, tflops * gpus / 1000) for share, at_512 in ((0.994, 170), (0.72, 62))
             for gpus, tflops in ((128, at_512 / share), (512, at_512))]


def read(program, calibration, name):
    command = [program, "--series", name, "--calibration", calibration]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [[float(value) for value in line.split("\t")] for line in lines[1:]]


def script(name, rows, path):
    title, x, y, settings, columns, dashed = PICTURES[name]
    scale = 1e-3 if name == "weak_scaling" else 1
    lines = [
        "set terminal svg size 800,500 dynamic background 'white' font 'sans-serif,13'",
        f"set output '{path}'",
        LABELS.format(title=title, x=x, y=y),
        "set grid",
        settings,
        "$rows << end",
        *(" ".join([f"{row[0]:g}", *(f"{value * scale:g}" for value in row[1:])]) for row in rows),
        "end",
    ]
    half = len(columns) // 2
    plots = []
    for i, column in enumerate(columns):
        color = i % half + 1 if name == "hierarchical" else i // 2 + 1 if name == "large" else i + 1
        dash = "dashtype 2 " if i in dashed else ""
        plots.append(
            f"$rows using 1:{i + 2} with linespoints pointtype 7 pointsize 0.5 linewidth 1.5 linecolor {color} {dash}"
            f"title '{column}'"
        )
    if name == "weak_scaling":
        lines += ["$published << end", *(f"{gpus} {pflops:g}" for gpus, pflops in PUBLISHED), "end"]
        plots.append("$published with points pointtype 4 pointsize 1.5 linewidth 2 linecolor 'black' title 'published'")
    return "\n".join([*lines, "plot " + ", ".join(plots), ""])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--program", default="mics_simulate", help="path of mics_simulate")
    arguments.add_argument("--calibration", default="bench/results/calibration.json")
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path("bench/results"), help="pictures go there")
    given = arguments.parse_args()
    for name in PICTURES:
        path = given.out / f"simulated_{name}.svg"
        rows = read(given.program, given.calibration, name)
        subprocess.run(["gnuplot"], input=script(name, rows, path), text=True, check=True)
        print(path)


if __name__ == "__main__":
    main()
