"""What the project promised of its collectives between hosts, each promise beside what the rows say of it."""
from statistics import median

K, M = 1 << 10, 1 << 20
LARGE = (1 * M, 16 * M, 64 * M)
MPI = ("openmpi-tuned", "openmpi-ring", "openmpi-han", "mpich")
PEERS = MPI + ("gloo",)


class measured:
    """The rows out of place, by what was asked: mics and peers are compared in the same processes only."""

    def __init__(self, rows):
        self.found, self.shapes, self.wrong = {}, set(), 0
        for row in rows:
            self.wrong += row["wrong"] or 0
            if row["in_place"]:
                continue
            shape = f"{row['nodes']}x{row['node_size']}"
            self.shapes.add(shape)
            key = (shape, row["op"], row["size"], bool(row.get("single")), row["algo"], row.get("beside"))
            self.found.setdefault(key, []).append(row)

    def time(self, shape, op, size, algo, beside=None, single=False):
        rows = self.found.get((shape, op, size, single, algo, beside))
        return median(row["time_us"] for row in rows) if rows else None

    def sizes(self, shape, op, single=False):
        return sorted({key[2] for key in self.found if key[:2] == (shape, op) and key[3] == single})

    def over_limit(self, shape, op, size, algo):
        """Time over the limit: the median over everything that ran beside it."""
        every = [row["time_us"] / row["limit_us"] for key, rows in self.found.items() for row in rows
                 if key[:5] == (shape, op, size, False, algo) and row["limit_us"]]
        return median(every) if every else None

    def gain(self, shape, op, size, peer, single=False):
        """How many times as fast mics is as the peer that it took turns with."""
        theirs = self.time(shape, op, size, peer, single=single)
        ours = self.time(shape, op, size, "mics-shared", peer, single)
        return theirs / ours if theirs and ours else None

    def least_gain(self, shape, op, size, peers, single=False):
        """Against the best of several peers: (ratio, its name)."""
        ratios = [(self.gain(shape, op, size, peer, single), peer) for peer in peers]
        return min((pair for pair in ratios if pair[0] is not None), default=(None, ""))

    def private_gain(self, shape, op, size):
        """The fastest peer's time over that of mics on memory of any kind, which ran in processes of its own."""
        ours = self.time(shape, op, size, "mics-private", "mics-private")
        theirs = [(self.time(shape, op, size, peer), peer) for peer in PEERS]
        best = min((pair for pair in theirs if pair[0] is not None), default=(None, ""))
        return (best[0] / ours, best[1]) if ours and best[0] else (None, "")


def limits(data):
    """(promise, value, goal, whether less is better) of the network's limit."""
    for shape, shared, private in (("2x4", 1.06, 1.10), ("4x4", 1.07, 1.13)):
        for op in ("all_gather", "reduce_scatter", "all_reduce"):
            for algo, large in (("mics-shared", shared), ("mics-private", private)):
                for size in LARGE:
                    goal = large if size > M else 1.05
                    if size > M or algo == "mics-shared":
                        yield f"{algo} over the limit", shape, op, size, data.over_limit(shape, op, size, algo), goal, True


def against_peers(data):
    def one(what, shape, op, size, peers, goal, single=False):
        ratio, who = data.least_gain(shape, op, size, peers, single)
        return what + (f" ({who})" if len(peers) > 1 and who else ""), shape, op, size, ratio, goal, False

    for size in LARGE:
        yield one("x a forced ring", "2x4", "all_gather", size, ("openmpi-ring",), 1.75)
        yield one("x a forced ring", "4x4", "all_gather", size, ("openmpi-ring",), 1.3)
    for shape in ("2x4", "4x4"):
        yield one("x Open MPI, default", shape, "reduce_scatter", 64 * M, ("openmpi-tuned",), 2.4)
        yield one("x Gloo", shape, "reduce_scatter", 16 * M, ("gloo",), 1.7)
        for size in (K, 64 * K):
            yield one("x HAN, single calls", shape, "all_gather", size, ("openmpi-han",), 1.6, True)
    for size in LARGE:
        yield one("x Open MPI, default", "4x4", "all_reduce", size, ("openmpi-tuned",), 1.7)
        yield one("x Gloo", "4x4", "all_reduce", size, ("gloo",), 1.25)
        yield one("x HAN", "2x4", "all_reduce", size, ("openmpi-han",), 1.0)
    yield one("x HAN, back to back", "2x4", "all_gather", K, ("openmpi-han",), 2.5)
    yield one("x HAN, back to back", "4x4", "all_gather", K, ("openmpi-han",), 1.8)
    yield one("x Open MPI, default", "4x4", "reduce_scatter", 64 * K, ("openmpi-tuned",), 1 / 0.45)
    yield one("x Open MPI, default", "4x4", "all_reduce", 64 * K, ("openmpi-tuned",), 1 / 0.7)
    for shape in ("2x4", "4x4"):
        for op in ("all_gather", "reduce_scatter", "all_reduce"):
            for size in data.sizes(shape, op):
                if K <= size <= 64 * M:
                    yield one("x the best peer", shape, op, size, PEERS, 1.0)


def one_host(data):
    """Eight bytes are a rank's block where there are blocks. Half a round trip is measured by mics_round_trip."""
    for shape, ranks, goal in (("1x8", 8, 2.0), ("1x4", 4, 1.7)):
        for op, size in (("all_gather", 8 * ranks), ("reduce_scatter", 8 * ranks), ("all_reduce", 8)):
            ratio, who = data.least_gain(shape, op, size, MPI)
            yield f"x the better MPI ({who})", shape, op, size, ratio, goal, False
    for op, goals in (("all_gather", (2.5, 1.5, 1.3)), ("reduce_scatter", (5, 6, 3))):
        for size, goal in zip((128 * K, M, 16 * M), goals):
            ratio, who = data.least_gain("1x8", op, size, MPI)
            yield f"x the better MPI ({who})", "1x8", op, size, ratio, goal, False
            ratio, who = data.private_gain("1x8", op, size)
            yield f"private, x the best peer ({who})", "1x8", op, size, ratio, 1.0, False


def show(rows, words):
    """Prints every promise whose shape was measured."""
    data = measured(rows)
    met = missed = 0
    print(f"\n{'goal':44} {'nodes':>6} {'':14} {'size':>8} {'measured':>9} {'goal':>8}")
    for what, shape, op, size, value, goal, less in (*limits(data), *against_peers(data), *one_host(data)):
        if shape not in data.shapes:
            continue
        bound = ("<= " if less else ">= ") + f"{goal:.2f}"
        line = f"{what:44} {shape:>6} {op:14} {words(size):>8}"
        if value is None:
            print(f"{line} {'-':>9} {bound:>8}  not measured")
            continue
        fine = value <= goal if less else value >= goal
        met, missed = met + fine, missed + (not fine)
        print(f"{line} {value:9.2f} {bound:>8}  {'met' if fine else 'MISSED'}")
    print(f"{met} met, {missed} missed; {data.wrong} wrong elements")
