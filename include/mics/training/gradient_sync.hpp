#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <mics/collectives/all_reduce.hpp>
#include <mics/collectives/reduce_scatter.hpp>
#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/training/gradient_store.hpp>
#include <mics/training/gradient_sync_options.hpp>
#include <mics/training/layout_agreement.hpp>
#include <mics/training/micro_step_agreement.hpp>
#include <mics/training/shard_layout.hpp>
#include <mics/training/step_ledger.hpp>

namespace mics {

/// Two-hop gradient synchronization: every micro-step reduces gradients inside the partition group and adds them to
/// this rank's shard; once, at the accumulation boundary, the accumulated shards are reduced over the replication
/// group.
///
///     mics::gradient_sync sync(groups, layout);
///     for (auto& micro_batch : step) sync.accumulate(gradients_of(micro_batch));   // hop 1, and add
///     sync.synchronize();                                                          // hop 2, once
///     optimizer.step(sync.shard());
///     sync.reset();                                                                // the next step begins
///
/// Hop 2 may also begin where the backward pass still computes: synchronize_unit(), for each unit once it has been
/// given its last gradients, instead of synchronize().
///
/// - Units: one shard_layout each, usually a layer, whose gradients are given as soon as they exist; every unit is
///   given once a micro-step, in the same order on every rank. Each layout is cut into p shards.
/// - Types: Gradient is what travels in hop 1, Accumulator what adds up and travels in hop 2. By default gradients of
///   float, float16 and bfloat16 accumulate as float, and double as double.
/// - Result: the mean divides by N * s (ranks times micro-steps), once, after hop 2; the sum divides by nothing.
/// - Memory: all of it is allocated here, in two contiguous buffers: one Accumulator an element of this rank's shards,
///   and one Gradient an element of the largest shard (none if p = 1); see memory_bytes(). It is what the
///   transport moves best: over libfabric its shared memory. The collectives' own temporaries are what their plans say.
/// - Order: calls without a stream block. Calls with one return at once, read `gradients` and write the shards in its
///   order, and their failures throw where the stream is waited for. The calls of one step use one stream, or streams
///   that events put in order. A gradient_sync may be destroyed before its streams have run.
/// - Determinism: the same inputs, geometry and options give the same bits in every run; all ranks of a replication
///   group get the same bits. Other geometries add in another order, so they agree to rounding only.
/// - p = 1 has no hop 1, r = 1 no hop 2; nothing is sent for a hop that is not there.
/// - Wrong order of calls, lengths and units throw usage_error before anything moves. In checked mode synchronize()
///   also compares the number of micro-steps over the replication group.
/// - Not for several threads at once. Source: MiCS, VLDB 2023, two-hop gradient synchronization.
template <class Groups, transportable Gradient = float, transportable Accumulator = accumulator_for<Gradient>>
requires accumulates<Gradient, Accumulator>
class gradient_sync {
 public:
  using communicator_type = std::remove_cvref_t<decltype(std::declval<Groups&>().partition())>;
  using stream_type = stream_of<communicator_type>;

  /// Collective over the world, and blocking: the ranks compare their layouts, types and result. Throws usage_error on
  /// every rank, naming two of them, when they differ; and for no units, or units that are not cut into p shards.
  gradient_sync(Groups& groups, std::vector<shard_layout> units, gradient_sync_options options = {})
      : units_(agreed(groups, std::move(units), options)),
        options_(std::move(options)),
        rank_(groups.world().rank()),
        ranks_(groups.topology().world_size()),
        replicas_(groups.topology().replication_of(rank_)),
        ledger_(units_.size(), rank_),
        store_(make_store(groups.world(), groups.topology().partition_size())) {
    if (groups.topology().partition_size() > 1) partition_ = groups.partition();
    if (replicas_.size > 1) replication_ = groups.replication();
  }
  gradient_sync(Groups& groups, shard_layout unit, gradient_sync_options options = {})
      : gradient_sync(groups, std::vector<shard_layout>(1, std::move(unit)), std::move(options)) {}

  /// Hop 1: adds the sum over the partition group of everyone's `gradients` to this rank's shard of the unit.
  /// - `gradients` is the unit's flat buffer of flat_elements(), which is only read; padding should hold zeros.
  /// - Collective over the partition group. A call that throws has not been made: it does not count.
  void accumulate(std::size_t unit, std::span<const Gradient> gradients) { hop_1(unit, gradients); }
  void accumulate(std::size_t unit, std::span<const Gradient> gradients, stream_type stream) {
    hop_1(unit, gradients, stream);
  }

  /// The same for the only unit; throws usage_error when there are several.
  void accumulate(std::span<const Gradient> gradients) { hop_1(only_unit(), gradients); }
  void accumulate(std::span<const Gradient> gradients, stream_type stream) { hop_1(only_unit(), gradients, stream); }

  /// Hop 2: makes the shards of all units the final gradients, by one all-reduce and one division.
  /// - Collective over the replication group, once a step. If it throws after data moved, only reset() is allowed.
  /// - Throws usage_error when nothing was accumulated, when units were accumulated different numbers of times, and
  ///   when it is called twice.
  void synchronize() { hop_2(); }
  void synchronize(stream_type stream) { hop_2(stream); }

  /// The same for one unit, with an all-reduce of its own, as soon as it has been given its last gradients of the step:
  /// the others may still be accumulated. Once a step for each unit, in the same order on every rank, instead of
  /// synchronize(); the step is synchronized after the last one.
  /// - In another stream than accumulate()'s it runs beside what follows there; an event must put it behind the unit's
  ///   last accumulate().
  /// - Throws usage_error when the unit was not accumulated, not as often as another one that is synchronized, or is
  ///   synchronized already.
  void synchronize_unit(std::size_t unit) { hop_2_of(unit); }
  void synchronize_unit(std::size_t unit, stream_type stream) { hop_2_of(unit, stream); }

  /// Begins the next step: what was accumulated is dropped, synchronized or not. Touches no memory.
  void reset() noexcept { ledger_.reset(); }

  /// This rank's shard of a unit, shard_elements() long: sums over the partition group since reset(), and the result
  /// after synchronize(). Before the unit's first accumulate() of a step, what the last step left. The address stays.
  [[nodiscard]] std::span<Accumulator> shard(std::size_t unit) const {
    ledger_.check_unit(unit, "shard");
    return store_.accumulated().subspan(offsets_[unit], units_[unit].shard_elements());
  }
  [[nodiscard]] std::span<Accumulator> shard() const { return shard(only_unit()); }

  /// The shards of all units, one behind the other: what one norm or one optimizer pass can go over.
  [[nodiscard]] std::span<Accumulator> shards() const noexcept { return store_.accumulated(); }

  [[nodiscard]] std::size_t units() const noexcept { return units_.size(); }
  [[nodiscard]] const shard_layout& layout(std::size_t unit = 0) const {
    ledger_.check_unit(unit, "layout");
    return units_[unit];
  }

  /// How often a unit was accumulated since reset().
  [[nodiscard]] std::uint64_t micro_steps(std::size_t unit = 0) const {
    ledger_.check_unit(unit, "micro_steps");
    return ledger_.count(unit);
  }
  [[nodiscard]] bool synchronized() const noexcept { return ledger_.is_synchronized(); }

  /// Bytes that this rank holds: accumulated shards and the temporary one.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return store_.accumulated().size_bytes() + store_.incoming().size_bytes();
  }

 private:
  using store = detail::gradient_store<communicator_type, Gradient, Accumulator>;

  static constexpr bool same_type = data_type_of<Gradient> == data_type_of<Accumulator>;

  template <class... Stream>
  void hop_1(std::size_t unit, std::span<const Gradient> gradients, const Stream&... stream) {
    ledger_.check_accumulate(unit);
    check_gradients(unit, gradients);
    const std::span<Accumulator> sum = shard(unit);
    const bool first = ledger_.count(unit) == 0;
    if (!partition_) {
      store_.take(sum, gradients, first, stream...);
    } else {
      const bool direct = same_type && first;  // hop 1 can write where the sum belongs
      const std::span<Gradient> incoming = store_.incoming().first(sum.size());
      void* const shard = direct ? static_cast<void*>(sum.data()) : incoming.data();
      reduce_scatter(*partition_, gradients.data(), shard, sum.size(), data_type_of<Gradient>, reduction::sum,
                     stream..., options_.hop_1);
      if (direct) {
        store_.keep(stream...);
      } else {
        store_.take(sum, incoming, first, stream...);
      }
    }
    ledger_.accumulated(unit);
  }

  template <class... Stream> void hop_2(const Stream&... stream) {
    const std::uint64_t micro_steps = ledger_.begin_synchronize();
    reduce_over_replicas(store_.accumulated(), micro_steps, "synchronize", stream...);
    ledger_.synchronized();
  }
  template <class... Stream> void hop_2_of(std::size_t unit, const Stream&... stream) {
    const std::uint64_t micro_steps = ledger_.begin_synchronize(unit);
    reduce_over_replicas(shard(unit), micro_steps, "synchronize_unit", stream...);
    ledger_.synchronized(unit);
  }

  template <class... Stream>
  void reduce_over_replicas(std::span<Accumulator> sums, std::uint64_t micro_steps, const char* call,
                            const Stream&... stream) {
    if (replication_) {
      if (options_.hop_2.checked.value_or(replication_->checked())) {
        detail::require_same_micro_steps(*replication_, replicas_, micro_steps, where(call), stream...);
      }
      all_reduce(*replication_, sums, sums, reduction::sum, stream..., options_.hop_2);
    }
    const bool mean = options_.result == gradient_result::mean;
    store_.divide(sums, mean ? static_cast<double>(micro_steps) * ranks_ : 1.0, stream...);
  }

  static std::vector<shard_layout> agreed(Groups& groups, std::vector<shard_layout> units,
                                          const gradient_sync_options& options) {
    const auto world = groups.world();
    detail::require_same_terms(
        world, {units, data_type_of<Gradient>, data_type_of<Accumulator>, options.result == gradient_result::mean});
    detail::require_units(units, groups.topology().partition_size(),
                          {.rank = world.rank(), .operation = "gradient_sync"});
    return units;
  }

  store make_store(const communicator_type& world, int partition_size) {
    std::size_t all = 0;
    std::size_t largest = 0;
    for (const shard_layout& unit : units_) {
      offsets_.push_back(all);
      all += unit.shard_elements();
      largest = std::max(largest, unit.shard_elements());
    }
    return store(world, all, partition_size > 1 ? largest : 0);
  }

  void check_gradients(std::size_t unit, std::span<const Gradient> gradients) const {
    const std::size_t wanted = units_[unit].flat_elements();
    const auto name = [unit] { return "the gradient buffer of unit " + std::to_string(unit); };
    if (gradients.size() != wanted) detail::refuse_length(name(), gradients.size(), wanted, where("accumulate"));
    if (wanted > 0 && gradients.data() == nullptr) detail::refuse_null(name(), wanted, where("accumulate"));
  }

  [[nodiscard]] std::size_t only_unit() const {
    if (units_.size() == 1) return 0;
    throw usage_error(
        "which of the " + std::to_string(units_.size()) + " units is meant? Name it, e.g. accumulate(0, gradients)",
        where("unit"));
  }

  [[nodiscard]] error_context where(const char* call) const {
    return {.rank = rank_, .operation = std::string("gradient_sync::") + call};
  }

  std::vector<shard_layout> units_;
  gradient_sync_options options_;
  int rank_;
  int ranks_;  ///< N
  rank_range replicas_;
  std::vector<std::size_t> offsets_{};  ///< of the units' shards among the accumulated ones
  detail::step_ledger ledger_;
  store store_;
  std::optional<communicator_type> partition_{};    ///< empty when p = 1
  std::optional<communicator_type> replication_{};  ///< empty when r = 1
};

/// A gradient_sync for gradients of another type than float: `auto sync =
/// mics::make_gradient_sync<mics::bfloat16>(groups, layout);`
template <transportable Gradient, transportable Accumulator = accumulator_for<Gradient>, class Groups, class Units>
[[nodiscard]] auto make_gradient_sync(Groups& groups, Units&& units, gradient_sync_options options = {}) {
  return gradient_sync<Groups, Gradient, Accumulator>(groups, std::forward<Units>(units), std::move(options));
}

}  // namespace mics
