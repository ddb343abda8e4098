#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <mics/model/collective_time.hpp>
#include <mics/model/job.hpp>
#include <mics/model/wires.hpp>

namespace mics::model {

namespace detail {

/// One rank's step; all ranks have the same, so it is simulated once whatever the world size.
/// Compute is one in-order stream. The end of task j lets go of the gather of task j + prefetch + 1, then of the
/// reduce-scatter of j: that is also the order in which the links serve them.
class step_simulation {
 public:
  explicit step_simulation(const job& of)
      : job_(of),
        layers_(of.layers.size()),
        tasks_(2 * layers_ * static_cast<std::size_t>(of.micro_steps)),
        partition_(partition_span(of.partition_size(), of.on.node_size)),
        replicas_(replication_span(of.world_size, of.partition_size(), of.on.node_size)),
        rings_(std::min(of.partition_size(), of.on.node_size)),
        slowest_(of.spread),
        gathered_(of.how.shards_parameters ? tasks_ : 0, 0.0) {
    costs_.reserve(layers_);
    for (const layer& each : of.layers) costs_.push_back(cost_of(each));
  }

  step_report run() {
    const std::size_t ahead = static_cast<std::size_t>(job_.how.prefetch) + 1;
    for (std::size_t task = 0; task < std::min(ahead, tasks_); ++task) gather(task, 0);
    for (std::size_t task = 0; task < tasks_; ++task) {
      compute(task);
      if (task + ahead < tasks_) gather(task + ahead, now_);
      if (!is_forward(task)) reduce(task);
      if (!job_.how.overlaps) now_ = std::max(now_, wires_.idle_from());
    }
    finish();
    return report_;
  }

 private:
  struct cost {
    wire_time gather{};
    wire_time reduce{};
    wire_time hop2{};
  };

  [[nodiscard]] cost cost_of(const layer& each) const {
    const double bytes = each.parameters * job_.bytes_per_parameter;
    const collective_form form{job_.how.hierarchical, job_.how.pipelined, job_.how.coalesced ? 1 : each.tensors};
    const wire_time once = gather_time(job_.on, partition_, bytes, form);
    const double shard = bytes / partition_.ranks;
    return {job_.how.shards_parameters ? once : wire_time{}, once, all_reduce_time(job_.on, replicas_, shard, rings_)};
  }

  [[nodiscard]] bool is_forward(std::size_t task) const noexcept { return task % (2 * layers_) < layers_; }
  [[nodiscard]] std::size_t layer_of(std::size_t task) const noexcept {
    const std::size_t place = task % (2 * layers_);
    return place < layers_ ? place : 2 * layers_ - 1 - place;
  }

  /// What a task or call is, apart from its place in the step: keeps their samples of jitter apart.
  enum kind : std::uint64_t { computing, gathering, reducing, between_nodes, kinds };
  [[nodiscard]] double stretch(kind what, std::size_t place, int ranks) const noexcept {
    return 1 + slowest_(place * kinds + what, ranks);
  }

  double send(kind what, std::size_t place, double release, const wire_time& time) {
    const bool inside = what != between_nodes;
    const int ranks = inside ? partition_.ranks : replicas_.ranks;
    if (ranks <= 1) return release;
    const double duration = time.total() * stretch(what, place, ranks);
    (what == gathering ? report_.gather_s : inside ? report_.reduce_s : report_.hop2_s) += duration;
    report_.slow_bytes += time.slow_bytes;
    return wires_.run(release, duration, inside ? inside_partition() : over_replicas());
  }
  [[nodiscard]] wires::hold inside_partition() const noexcept { return {partition_.nodes > 1, true}; }
  [[nodiscard]] wires::hold over_replicas() const noexcept { return {replicas_.nodes > 1, replicas_.nodes == 1}; }

  void gather(std::size_t task, double release) {
    if (gathered_.empty()) return;
    gathered_[task] = send(gathering, task, release, costs_[layer_of(task)].gather);
  }

  void compute(std::size_t task) {
    const layer& own = job_.layers[layer_of(task)];
    const double flops = is_forward(task) ? own.forward_flops : own.backward_flops;
    const double alone = flops / (job_.on.peak_flops * job_.on.compute_share) * job_.spread.straggler;
    const double duration = alone * stretch(computing, task, partition_.ranks);
    if (!gathered_.empty()) now_ = std::max(now_, gathered_[task]);
    now_ += duration;
    report_.compute_s += duration;
    report_.flops += flops;
  }

  void reduce(std::size_t task) {
    const cost& own = costs_[layer_of(task)];
    const double end = send(reducing, task, now_, own.reduce);
    if (job_.how.hop2 == second_hop::every_micro_step) send(between_nodes, task, end, own.hop2);
  }

  /// The boundary: hop 2 of the whole shard, the optimizer, and what ZeRO-2 gathers.
  void finish() {
    const double parameters = parameters_of(job_.layers);
    const double shard = parameters / partition_.ranks;
    now_ = std::max(now_, wires_.idle_from());
    if (job_.how.hop2 == second_hop::at_the_boundary) {
      const wire_time whole = all_reduce_time(job_.on, replicas_, shard * job_.bytes_per_parameter, rings_);
      now_ = send(between_nodes, tasks_, now_, whole);
    }
    report_.optimizer_s = shard * job_.optimizer_bytes_per_parameter / job_.on.memory_bytes_per_s;
    now_ += report_.optimizer_s;
    if (!job_.how.shards_parameters) {
      for (std::size_t i = 0; i < layers_; ++i) now_ = send(gathering, tasks_ + i, now_, costs_[i].reduce);
    }
    report_.step_s = now_;
    report_.slow_busy_s = wires_.slow_busy();
    report_.fast_busy_s = wires_.fast_busy();
    report_.memory_bytes = memory(parameters);
  }

  [[nodiscard]] double memory(double parameters) const noexcept {
    const double whole = job_.how.shards_parameters ? 0 : parameters * job_.bytes_per_parameter;
    const double rest = job_.state_bytes_per_parameter - (job_.how.shards_parameters ? 0 : job_.bytes_per_parameter);
    return whole + parameters * std::max(0.0, rest) / partition_.ranks;
  }

  const job& job_;
  std::size_t layers_;
  std::size_t tasks_;
  group_span partition_;
  group_span replicas_;
  int rings_;
  slowest_of slowest_;
  std::vector<double> gathered_;  ///< when the parameters of a task are there
  std::vector<cost> costs_{};
  wires wires_{};
  step_report report_{};
  double now_ = 0;  ///< the end of the last task
};

}  // namespace detail

/// Simulates one training step: s micro-steps of a forward and a backward pass, hop 2 and the optimizer.
/// - Contention: the calls of a group over several nodes hold the network and the node's links together, in issue
/// order.
/// - Holds for every job: step >= time on any link, step >= compute, step <= all times together; more bandwidth, less
///   latency and, where hop 2 runs at the boundary, deeper prefetch never make it slower. (An all-reduce at every
///   micro-step can wait behind a gather that came earlier.)
/// - Deterministic: the same seed gives the same bits. Time and memory: O(layers * micro-steps), whatever the world
/// size.
/// - Throws usage_error or topology_error naming the field, its value and what is allowed.
inline step_report simulate(const job& of) {
  check(of);
  return detail::step_simulation(of).run();
}

/// Share of a perfect weak scaling from `small` to `large` with the same work a GPU: time of small / time of large.
inline double weak_scaling(const step_report& small, const step_report& large) noexcept {
  return small.step_s / large.step_s;
}

}  // namespace mics::model
