"""A model whose parameters lie in shards and are gathered where they are used, with mics underneath.

What FSDP2 does for `fully_shard`, in the few lines that a model of blocks needs: a unit (a block, or all that is in no
block) is gathered before it is used, the next one while this one computes; gradients are reduced as soon as a unit has
them all; replicas meet once a step, unit by unit, beside what the last backward pass still computes.
"""

import torch


class Unit:
    """The parameters of one layer in one flat buffer, which has memory only while they are used."""

    def __init__(self, index, parameters, communication, lane, boundary_lane):
        self.index, self.parameters, self.communication = index, parameters, communication
        self.lane, self.boundary_lane = lane, boundary_lane
        flat = torch.zeros(communication.flat_elements(index), device="cuda")
        self.ranges = []
        for number, parameter in enumerate(parameters):
            first = communication.offset_of(index, number)
            self.ranges.append((first, first + parameter.numel()))
            flat[first : first + parameter.numel()] = parameter.detach().flatten()
        shard = communication.shard_elements(index)
        own = communication.shard_index * shard
        self.master = torch.nn.Parameter(flat[own : own + shard].clone())  # what the optimizer works on
        self.shard = self.master.detach().to(torch.bfloat16)  # what is gathered
        self.gradients = communication.gradients(index)
        self.flat = torch.empty(flat.numel(), dtype=torch.bfloat16, device="cuda")
        self.bytes = self.flat.untyped_storage().nbytes()
        for parameter, view in zip(parameters, self.views(self.flat)):
            parameter.data = view
        self.gathered = None
        self.release()

    def views(self, flat):
        return [flat[first:last].view(p.shape) for (first, last), p in zip(self.ranges, self.parameters)]

    def gather(self):
        """In the lane, behind what the compute stream has been given so far: whoever had this memory before is done."""
        if self.gathered is not None:
            return
        self.flat.untyped_storage().resize_(self.bytes)
        self.lane.wait_stream(torch.cuda.current_stream())
        self.communication.gather(self.index, self.shard, self.flat, self.lane.cuda_stream)
        self.gathered = self.lane.record_event()

    def use(self):
        self.gather()
        torch.cuda.current_stream().wait_event(self.gathered)

    def release(self):
        self.flat.untyped_storage().resize_(0)
        self.gathered = None

    def reduce(self, flat_gradients, at_boundary):
        """Hop 1, and hop 2 behind the last micro-step; returns when hop 1 is done, as an event."""
        self.lane.wait_stream(torch.cuda.current_stream())
        self.communication.accumulate(self.index, flat_gradients, self.lane.cuda_stream)
        reduced = self.lane.record_event()
        if at_boundary:
            self.boundary_lane.wait_event(reduced)
            self.communication.synchronize(self.index, self.boundary_lane.cuda_stream)
        return reduced


class GradientBuffer:
    """A flat buffer for the gradients of whichever unit is in its backward pass."""

    def __init__(self, elements):
        self.flat = torch.empty(elements, dtype=torch.bfloat16, device="cuda")
        self.reduced = None

    def lend(self, unit, at_boundary):
        self.at_boundary = at_boundary
        if self.reduced is not None:
            torch.cuda.current_stream().wait_event(self.reduced)
        self.unit, self.waiting = unit, len(unit.parameters)
        self.used = self.flat[: unit.flat.numel()].zero_()
        for parameter, view in zip(unit.parameters, unit.views(self.used)):
            parameter.grad = view

    def one_is_there(self):
        """After the last gradient of the unit: hop 1. True then."""
        self.waiting -= 1
        if self.waiting > 0:
            return False
        self.reduced = self.unit.reduce(self.used, self.at_boundary)
        for parameter in self.unit.parameters:
            parameter.grad = None
        return True


class PartitionedGPT:
    """A GPT and its optimizer, with one shard of both on each rank of a partition group of `partition_size`."""

    def __init__(self, model, make_communication, learning_rate):
        self.model = model
        blocks = list(model.blocks)
        in_blocks = {id(p) for block in blocks for p in block.parameters()}
        rest = [p for p in model.parameters() if id(p) not in in_blocks]
        of_units = [list(block.parameters()) for block in blocks] + [rest]
        self.communication = make_communication([[p.numel() for p in unit] for unit in of_units])
        self.lane, self.boundary_lane = torch.cuda.Stream(), torch.cuda.Stream()
        self.at_boundary = False
        self.units = [
            Unit(i, unit, self.communication, self.lane, self.boundary_lane) for i, unit in enumerate(of_units)
        ]
        self.blocks, self.rest = self.units[:-1], self.units[-1]
        largest = max(unit.flat.numel() for unit in self.blocks)
        self.buffers = [GradientBuffer(largest), GradientBuffer(largest)]
        self.rest_buffer = GradientBuffer(self.rest.flat.numel())
        self.optimizer = torch.optim.AdamW([unit.master for unit in self.units], lr=learning_rate)
        for i, block in enumerate(blocks):
            self._hook(i, block)

        def gradient_is_there(_):
            self.rest_buffer.one_is_there()

        for parameter in rest:
            parameter.register_post_accumulate_grad_hook(gradient_is_there)

    def _hook(self, i, block):
        unit, last = self.blocks[i], len(self.blocks) - 1
        buffer = self.buffers[i % 2]

        def before_forward(*_):
            unit.use()
            if i < last:
                self.blocks[i + 1].gather()

        def after_forward(*_):
            if i < last:  # the last one is used again at once
                unit.release()

        def before_backward(*_):
            unit.use()
            if i > 0:
                self.blocks[i - 1].gather()
            buffer.lend(unit, self.at_boundary)

        def gradient_is_there(_):
            if buffer.one_is_there():
                unit.release()

        block.register_forward_pre_hook(before_forward)
        block.register_forward_hook(after_forward)
        block.register_full_backward_pre_hook(before_backward)
        for parameter in unit.parameters:
            parameter.register_post_accumulate_grad_hook(gradient_is_there)

    def micro_step(self, loss_of, text, last):
        self.at_boundary = last
        self.rest.use()
        self.blocks[0].gather()
        self.rest_buffer.lend(self.rest, last)
        loss = loss_of(self.model, text)
        loss.backward()
        self.rest.release()
        return loss

    def step(self):
        """The optimizer on this rank's shards, once hop 2 has ended."""
        torch.cuda.current_stream().wait_stream(self.boundary_lane)
        self.communication.begin_step()
        for unit in self.units:
            unit.master.grad = unit.gradients.float()
        self.optimizer.step()
        for unit in self.units:
            unit.shard.copy_(unit.master.detach())
        self.lane.wait_stream(torch.cuda.current_stream())
