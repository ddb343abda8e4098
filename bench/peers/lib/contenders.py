"""Who takes part, and how each is started. Every run measures mics and one peer in turns, in the same processes."""
import json
import os
import secrets
import shutil

AGENT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "agent.sh")


class contender:
    """mics_perf_<program>, whose algorithm `peer` is known as `name`."""

    def __init__(self, name, program, algorithms="auto,peer", memory="registered", flags=()):
        self.name, self.program, self.algorithms, self.memory, self.flags = name, program, algorithms, memory, flags

    def path(self, programs):
        return os.path.abspath(os.path.join(programs, self.program))

    def why_not(self, programs):
        if not os.access(self.path(programs), os.X_OK):
            return f"{self.path(programs)} was not built (cmake/setup.sh peers installs what it needs)"
        return None

    def environment(self, lab, folder):
        return {**os.environ, "MICS_PEER_LAB": lab.name, "MICS_PEER_STORE": folder, "MICS_PEER_LINK": lab.link}

    def launch(self, programs, nodes, ranks, lab):
        """mics_perf as it starts by itself: over the lab, or forked."""
        if nodes == 1:
            return [self.path(programs), "--spawn", str(ranks)]
        return [lab.program, "run", "--name", lab.name, "--nodes", str(nodes), "--node-size", str(ranks), "--",
                self.path(programs)]

    def read(self, path, single):
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        for row in result["rows"]:
            if single:
                row["single"] = True
            if row["algo"] == "peer":
                row["algo"] = row["plan"] = self.name
            else:
                row["algo"] = f"mics-{'shared' if self.memory == 'registered' else 'private'}"
                row["beside"] = self.name
        return result


class gloo(contender):
    def environment(self, lab, folder):
        """Its ranks meet in an empty folder."""
        store = os.path.join(folder, "store")
        shutil.rmtree(store, ignore_errors=True)
        os.mkdir(store)
        return {**super().environment(lab, folder), "MICS_PEER_STORE": store}


class by_mpirun(contender):
    """Started by mpirun, which reaches the nodes of the lab by an agent of our own."""

    def meeting(self, nodes):
        """Where the ranks of mics meet: on the first node."""
        return {"MASTER_ADDR": "10.88.0.1" if nodes > 1 else "127.0.0.1", "MASTER_PORT": "29511",
                "MICS_JOB_SECRET": secrets.token_hex(16)}

    def inside(self, lab, nodes, command):
        """mpirun stands in the first node's network, but outside of its processes, so that it can enter the others."""
        return ["ip", "netns", "exec", f"mics-{lab.name}-node0"] + command if nodes > 1 else command


class openmpi(by_mpirun):
    def launch(self, programs, nodes, ranks, lab):
        command = ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np",
                   str(nodes * ranks), "--mca", "mpi_yield_when_idle", "1", "--mca", "pml", "ob1",
                   "--mca", "btl", "self,vader,tcp"]
        if nodes > 1:
            command += ["-H", ",".join(f"node{i}:{ranks}" for i in range(nodes)), "--map-by", "slot",
                        "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", AGENT, "--mca", "btl_tcp_if_include", "eth0",
                        "--mca", "oob_tcp_if_include", "eth0"]
        for name, value in self.meeting(nodes).items():
            command += ["-x", f"{name}={value}"]
        return self.inside(lab, nodes, command + list(self.flags) + [self.path(programs)])


class mpich(by_mpirun):
    def launch(self, programs, nodes, ranks, lab):
        patient = os.path.abspath(os.path.join(programs, "mics_peer_yield.so"))
        command = ["mpiexec.mpich", "-n", str(nodes * ranks), "-genv", "LD_PRELOAD", patient,
                   "-genv", "MPIR_CVAR_POLLS_BEFORE_YIELD", "1"]
        if nodes > 1:
            command += ["-hosts", ",".join(f"node{i}:{ranks}" for i in range(nodes)), "-ppn", str(ranks),
                        "-launcher", "ssh", "-launcher-exec", AGENT, "-iface", "eth0",
                        "-genv", "UCX_TLS", "tcp,sm,self", "-genv", "UCX_NET_DEVICES", "eth0"]
        for name, value in self.meeting(nodes).items():
            command += ["-genv", name, value]
        return self.inside(lab, nodes, command + list(self.flags) + [self.path(programs)])


def dynamic(**algorithms):
    flags = ["--mca", "coll_tuned_use_dynamic_rules", "1"]
    for operation, number in algorithms.items():
        flags += ["--mca", f"coll_tuned_{operation}_algorithm", str(number)]
    return flags


ALL = [
    openmpi("openmpi-tuned", "mics_perf_openmpi"),
    openmpi("openmpi-ring", "mics_perf_openmpi", flags=dynamic(allgather=4, reduce_scatter=3, allreduce=4) +
            ["-x", "MICS_PEER_RING=1"]),
    # HAN of Open MPI 4.1 crashes in large all-reduces in place.
    openmpi("openmpi-han", "mics_perf_openmpi", flags=["--mca", "coll_han_priority", "100",
                                                       "-x", "MICS_PEER_OUT_OF_PLACE=1"]),
    mpich("mpich", "mics_perf_mpich"),
    gloo("gloo", "mics_perf_gloo"),
    contender("mics-private", "mics_perf", algorithms="auto", memory="plain"),
]


def find(programs, only):
    """Those that can run, and of the others why not."""
    wanted = [one for one in ALL if only is None or one.name in only.split(",")]
    reasons = [(one, one.why_not(programs)) for one in wanted]
    return [one for one, why in reasons if why is None], [(one.name, why) for one, why in reasons if why]
