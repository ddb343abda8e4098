"""Training steps of one GPT by PyTorch's FSDP2 and with mics underneath, in turns, in the same processes.

Every rank runs it, in the environment that torchrun sets (or bench/lab/lab run --gpus):
    python3 extension.py FOLDER                       # once, before
    python3 hsdp.py --extension FOLDER [--json FILE]  # on every rank
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

import extension
from gpt import GPT, loss_of
from partitioned_gpt import PartitionedGPT

LEARNING_RATE = 1e-4


class Fsdp2:
    """All parameters in shards over the last dimension of the mesh; replicas over the first, where it has two."""

    def __init__(self, model, mesh, defers):
        self.model, self.defers = model, defers
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.bfloat16)
        for block in model.blocks:
            fully_shard(block, mesh=mesh, mp_policy=policy)
        fully_shard(model, mesh=mesh, mp_policy=policy)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)

    def step(self, text, micro_steps):
        for micro_step in range(micro_steps):
            if self.defers:
                self.model.set_requires_all_reduce(micro_step == micro_steps - 1)
            loss = loss_of(self.model, text)
            (loss / micro_steps).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss


class Mics:
    def __init__(self, model, make_communication):
        self.partitioned = PartitionedGPT(model, make_communication, LEARNING_RATE)

    def step(self, text, micro_steps):
        for micro_step in range(micro_steps):
            loss = self.partitioned.micro_step(loss_of, text, micro_step == micro_steps - 1)
        self.partitioned.step()
        return loss


def communication_maker(mics_torch, node_size, partition_size):
    def make(units):
        ids = [mics_torch.unique_id() if dist.get_rank() == 0 else None]
        dist.broadcast_object_list(ids, src=0)
        return mics_torch.Partitioned(
            ids[0], dist.get_rank(), dist.get_world_size(), node_size, partition_size, units
        )

    return make


def new_model():
    torch.manual_seed(0)
    return GPT().cuda()


def make_ways(mics_torch, world, node_size):
    everyone = init_device_mesh("cuda", (world,))
    two_level = init_device_mesh("cuda", (world // node_size, node_size), mesh_dim_names=("replicate", "shard"))
    return {
        "mics": (node_size, Mics(new_model(), communication_maker(mics_torch, node_size, node_size))),
        "hsdp_deferred": (node_size, Fsdp2(new_model(), two_level, True)),
        "hsdp": (node_size, Fsdp2(new_model(), two_level, False)),
        "mics_all_nodes": (world, Mics(new_model(), communication_maker(mics_torch, node_size, world))),
        "fsdp": (world, Fsdp2(new_model(), everyone, False)),
    }


def seconds_of(way, text, micro_steps):
    """One step, the slowest rank's time, and the mean loss of its last micro-step."""
    dist.barrier()
    torch.cuda.synchronize()
    begin = time.perf_counter()
    loss = way.step(text, micro_steps)
    torch.cuda.synchronize()
    took = torch.tensor([time.perf_counter() - begin], device="cuda", dtype=torch.float64)
    dist.all_reduce(took, op=dist.ReduceOp.MAX)
    mean = loss.detach().float().reshape(1)
    dist.all_reduce(mean, op=dist.ReduceOp.AVG)
    return took.item(), mean.item()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--extension", required=True, help="the folder that extension.py has built")
    options.add_argument("--micro-steps", type=int, default=4)
    options.add_argument("--batch", type=int, default=2, help="sequences a rank and micro-step")
    options.add_argument("--warmup", type=int, default=2)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--ways", default="", help="only these, by commas")
    options.add_argument("--rate", default="", help="of the network, for the record")
    options.add_argument("--json", default="")
    chosen = options.parse_args()

    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    node_size = int(os.environ["LOCAL_WORLD_SIZE"])
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    dist.init_process_group("nccl", device_id=torch.device("cuda", torch.cuda.current_device()))
    ways = make_ways(extension.load(chosen.extension), world, node_size)
    if chosen.ways:
        ways = {name: ways[name] for name in chosen.ways.split(",")}

    context = next(iter(ways.values()))[1]
    model = context.model if isinstance(context, Fsdp2) else context.partitioned.model
    torch.manual_seed(1000 + rank)
    text = torch.randint(0, model.vocabulary, (chosen.batch, model.context + 1), device="cuda")

    times = {name: [] for name in ways}
    losses = {name: [] for name in ways}
    order = list(ways)
    for round_ in range(chosen.warmup + chosen.rounds):
        for i in range(len(order)):
            name = order[(i + round_) % len(order)]
            took, loss = seconds_of(ways[name][1], text, chosen.micro_steps)
            losses[name].append(loss)
            if round_ >= chosen.warmup:
                times[name].append(took)

    wrong = report(chosen, ways, times, losses, world, node_size) if rank == 0 else 0
    dist.barrier()
    dist.destroy_process_group()
    return 1 if wrong else 0


def report(chosen, ways, times, losses, world, node_size):
    """All ways start alike and see the same text, so their losses may differ by the rounding of bfloat16 only."""
    reference = losses[next(iter(ways))]
    rows, wrong = [], 0
    for name, (partition, _) in ways.items():
        off = max(abs(a - b) / abs(b) for a, b in zip(losses[name], reference))
        wrong += off > 0.02
        median = statistics.median(times[name])
        print(
            f"{name:16s} p={partition:<3d} {1e3 * median:8.1f} ms a step ({1e3 * min(times[name]):.1f} to "
            f"{1e3 * max(times[name]):.1f})  loss {losses[name][0]:.4f} -> {losses[name][-1]:.4f}, off by {off:.1e}",
            flush=True,
        )
        rows.append(
            {
                "op": "train_step", "algo": name, "transport": "nccl", "nodes": world // node_size,
                "node_size": node_size, "partition": partition, "type": "bfloat16", "rate": chosen.rate,
                "micro_steps": chosen.micro_steps, "time_us": 1e6 * median, "loss": losses[name][-1],
                "wrong": int(off > 0.02),
            }
        )  # fmt: skip
    if chosen.json:
        context = {
            "command": " ".join(sys.argv), "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "gpu": torch.cuda.get_device_name(), "torch": torch.__version__,
            "nccl": ".".join(map(str, torch.cuda.nccl.version())), "python": platform.python_version(),
        }  # fmt: skip
        with open(chosen.json, "w") as file:
            json.dump({"context": context, "rows": rows}, file, indent=1)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
