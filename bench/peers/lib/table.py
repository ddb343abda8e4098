"""The comparison as text: each peer beside mics of the same processes."""


def words(size):
    for unit in ("B", "KiB", "MiB"):
        if size < 1024 or unit == "MiB":
            return f"{size:g} {unit}"
        size /= 1024


def over_limit(row):
    return f"{row['time_us'] / row['limit_us']:.2f}" if row["limit_us"] else "-"


def show(rows):
    ours = {(r["op"], r["nodes"], r["node_size"], r["size"], r["in_place"], r.get("single"), r["beside"]): r
            for r in rows if "beside" in r}
    print(f"{'':14} {'nodes':>6} {'size':>8} {'':15} {'who':14} {'us':>11} {'time/limit':>10} {'into node':>12}"
          f" {'mics us':>11} {'time/limit':>10} {'into node':>12} {'mics is':>8}")
    for r in rows:
        if r.get("beside", "mics-private") != "mics-private":
            continue
        place = ("in place" if r["in_place"] else "") + (" single" if r.get("single") else "")
        line = (f"{r['op']:14} {r['nodes']}x{r['node_size']:<4} {words(r['size']):>8} {place.strip():15} {r['algo']:14}"
                f" {r['time_us']:11.1f} {over_limit(r):>10} {r['node_in_bytes'] or 0:12}")
        mine = ours.get((r["op"], r["nodes"], r["node_size"], r["size"], r["in_place"], r.get("single"), r["algo"]))
        if mine:
            line += (f" {mine['time_us']:11.1f} {over_limit(mine):>10} {mine['node_in_bytes'] or 0:12}"
                     f" {r['time_us'] / mine['time_us']:7.2f}x")
        print(line + (f"   {r['wrong']} WRONG" if r["wrong"] else ""))
