#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mics/collectives/host_gather.hpp>
#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/training/fingerprint.hpp>
#include <mics/training/shard_layout.hpp>

namespace mics::detail {

/// What the ranks of a gradient_sync have to mean alike, as numbers that can be compared and shown.
class sync_terms {
 public:
  using numbers = std::vector<std::uint64_t>;

  sync_terms(std::span<const shard_layout> units, data_type gradient, data_type accumulator, bool mean)
      : general_{units.size(), static_cast<std::uint64_t>(gradient), static_cast<std::uint64_t>(accumulator), mean} {
    for (const shard_layout& u : units) {
      by_unit_.insert(by_unit_.end(), {u.tensors(), u.elements(), u.padding(), static_cast<std::uint64_t>(u.shards()),
                                       u.alignment(), u.fingerprint()});
    }
  }

  [[nodiscard]] const numbers& general() const noexcept { return general_; }
  [[nodiscard]] const numbers& by_unit() const noexcept { return by_unit_; }

  [[nodiscard]] std::uint64_t fingerprint() const noexcept {
    fingerprint_builder hash;
    for (const std::uint64_t n : general_) hash.add(n);
    for (const std::uint64_t n : by_unit_) hash.add(n);
    return hash.value();
  }

  static constexpr std::size_t general_numbers = 4;
  static constexpr std::size_t unit_numbers = 6;

  static std::string describe_general(std::span<const std::uint64_t> n) {
    return std::to_string(n[0]) + (n[0] == 1 ? " unit of " : " units of ") +
           std::string(name_of(static_cast<data_type>(n[1]))) + " gradients, accumulated as " +
           std::string(name_of(static_cast<data_type>(n[2]))) + ", for the " + (n[3] != 0 ? "mean" : "sum");
  }
  static std::string describe_unit(std::span<const std::uint64_t> n) {
    return std::to_string(n[0]) + (n[0] == 1 ? " tensor, " : " tensors, ") + std::to_string(n[1]) + " elements + " +
           std::to_string(n[2]) + " of padding, in " + std::to_string(n[3]) + (n[3] == 1 ? " shard" : " shards") +
           ", alignment " + std::to_string(n[4]) + " (fingerprint " + std::to_string(n[5]) + ")";
  }

 private:
  numbers general_;
  numbers by_unit_{};
};

[[noreturn]] inline void refuse_terms(const std::string& first, int other, const std::string& others,
                                      error_context where) {
  throw usage_error(
      "the layouts of two ranks differ: rank 0 has " + first + "; rank " + std::to_string(other) + " has " + others,
      std::move(where));
}

/// Gathers the same count of numbers of every rank and calls `refuse(rank, run)` for the first run of `run` numbers in
/// which a rank differs from rank 0.
template <communicator C, class Refuse>
void compare_numbers(const C& world, const sync_terms::numbers& own, std::size_t run, Refuse refuse) {
  const sync_terms::numbers all = gather_numbers(world, own);
  const std::span<const std::uint64_t> first(all.data(), own.size());
  for (int rank = 1; rank < world.size(); ++rank) {
    const std::span<const std::uint64_t> its(all.data() + static_cast<std::size_t>(rank) * own.size(), own.size());
    for (std::size_t at = 0; at < own.size(); at += run) {
      const auto a = first.subspan(at, run);
      const auto b = its.subspan(at, run);
      if (!std::equal(a.begin(), a.end(), b.begin())) refuse(rank, at / run, a, b);
    }
  }
}

/// Throws usage_error for what every rank sees to be wrong with units that all ranks share.
inline void require_units(std::span<const shard_layout> units, int partition_size, const error_context& where) {
  if (units.empty()) throw usage_error("no units were given; allowed: 1 or more", where);
  std::size_t elements = 0;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    if (units[unit].shards() != partition_size) {
      throw usage_error("unit " + std::to_string(unit) + " is cut into " + std::to_string(units[unit].shards()) +
                            " shards, but the partition group has " + std::to_string(partition_size) +
                            " ranks; allowed: one shard a rank",
                        where);
    }
    if (units[unit].shard_elements() > most_elements - elements) refuse_overflow();
    elements += units[unit].shard_elements();
  }
}

/// Collective and blocking: 8 bytes of each rank while the ranks agree. Otherwise throws usage_error on every rank,
/// naming rank 0 and the first rank that differs from it, with what both have.
template <communicator C> void require_same_terms(const C& world, const sync_terms& own) {
  if (world.size() == 1) return;
  const sync_terms::numbers prints = gather_numbers(world, {own.fingerprint()});
  if (std::adjacent_find(prints.begin(), prints.end(), std::not_equal_to<>()) == prints.end()) return;
  const error_context where{.rank = world.rank(), .group = world.name(), .operation = "gradient_sync"};
  compare_numbers(world, own.general(), sync_terms::general_numbers, [&](int rank, std::size_t, auto a, auto b) {
    refuse_terms(sync_terms::describe_general(a), rank, sync_terms::describe_general(b), where);
  });
  compare_numbers(world, own.by_unit(), sync_terms::unit_numbers, [&](int rank, std::size_t unit, auto a, auto b) {
    refuse_terms("unit " + std::to_string(unit) + " of " + sync_terms::describe_unit(a), rank,
                 "unit " + std::to_string(unit) + " of " + sync_terms::describe_unit(b), where);
  });
}

}  // namespace mics::detail
