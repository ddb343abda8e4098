// Closed forms against the formulas of the MiCS paper, and byte for byte against the programs that really run.

#include <algorithm>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <mics/model/cost_model.hpp>
#include <mics/model/two_hop.hpp>
#include <mics/model/volume.hpp>
#include <mics/plan/node_volume.hpp>

namespace model = mics::model;
using mics::algorithm;
using mics::hierarchy;
using mics::operation;

namespace {

struct bytes_counted {
  std::size_t slow = 0;
  std::size_t fast = 0;
};

/// The busiest node of the programs themselves.
bytes_counted count(const mics::recipe& recipe, hierarchy g, std::size_t bytes) {
  bytes_counted most;
  for (int node = 0; node < g.nodes; ++node) {
    const mics::group_shape shape{node * g.node_size, g.nodes * g.node_size, g.nodes, g.node_size, {}};
    const int blocks = mics::single_block(recipe) ? 1 : shape.size;
    const auto seen = mics::count_volume(recipe, shape, mics::schedule::block_layout::split(blocks, bytes), 1);
    most.slow = std::max(most.slow, seen.slow);
    most.fast = std::max(most.fast, seen.fast);
  }
  return most;
}

constexpr algorithm all_algorithms[] = {algorithm::direct,  algorithm::ring,         algorithm::bruck,
                                        algorithm::halving, algorithm::doubling,     algorithm::exchange,
                                        algorithm::tree,    algorithm::hierarchical, algorithm::leader};

constexpr model::link_classes a_cluster{.fast = {5e-6, 230e9}, .slow = {20e-6, 40e9}};

std::string message_of(const model::collective& c, const model::link_classes& on = a_cluster) {
  try {
    static_cast<void>(model::cost_of(c, on));
  } catch (const mics::usage_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("bytes over slow and fast links are those of the programs, for every operation, algorithm and shape") {
  int compared = 0;
  for (int n = 1; n <= 5; ++n) {
    for (int k = 1; n * k <= 20; ++k) {
      for (int op = 0; op < mics::operation_count; ++op) {
        for (const algorithm how : all_algorithms) {
          for (const algorithm on_rail : {algorithm::direct, algorithm::ring, algorithm::exchange}) {
            if ((on_rail == algorithm::exchange) != (how == algorithm::leader) && on_rail != algorithm::direct)
              continue;
            const auto what = static_cast<operation>(op);
            std::string why_not;
            const mics::group_shape shape{0, n * k, n, k, {}};
            if (!mics::supports(what, how, shape, why_not)) continue;
            const std::size_t bytes = 40 * static_cast<std::size_t>(n * k);
            const auto counted = count({what, how, on_rail, 0}, {n, k}, bytes);
            const auto s = model::stages_of({what, how, {n, k}, static_cast<double>(bytes), on_rail});
            const std::string which = std::string(name_of(what)) + " " + std::string(name_of(how)) + " on " +
                                      std::to_string(n) + " x " + std::to_string(k);
            CAPTURE(which);
            CHECK(s.slow_into_node() == static_cast<double>(counted.slow));
            CHECK(s.fast_into_node() == static_cast<double>(counted.fast));
            ++compared;
          }
        }
      }
    }
  }
  CHECK(compared > 500);
}

TEST_CASE("an algorithm is refused exactly where the library refuses it") {
  for (const hierarchy g : {hierarchy{1, 8}, hierarchy{2, 3}, hierarchy{4, 2}}) {
    for (int op = 0; op < mics::operation_count; ++op) {
      for (const algorithm how : all_algorithms) {
        const auto what = static_cast<operation>(op);
        std::string why_not;
        const mics::group_shape shape{0, g.nodes * g.node_size, g.nodes, g.node_size, {}};
        const bool fine = mics::supports(what, how, shape, why_not);
        CAPTURE(name_of(what));
        CAPTURE(name_of(how));
        CHECK((message_of({what, how, g, 1000}) == "nothing was thrown") == fine);
      }
    }
  }
}

TEST_CASE("steps: flat ring p-1, of which n cross; hierarchical rings (n-1) + (k-1)") {
  for (const hierarchy g : {hierarchy{2, 8}, hierarchy{8, 8}, hierarchy{16, 4}}) {
    const auto flat = model::stages_of({operation::all_gather, algorithm::ring, g, 1});
    CHECK(flat.slow_steps() + flat.fast_steps() == g.nodes * g.node_size - 1);
    CHECK(flat.slow_steps() == g.nodes);
    const auto staged =
        model::stages_of({operation::all_gather, algorithm::hierarchical, g, 1, algorithm::ring, algorithm::ring});
    CHECK(staged.slow_steps() == g.nodes - 1);
    CHECK(staged.fast_steps() == g.node_size - 1);
    CHECK(model::ring_step_gain(g) ==
          (flat.slow_steps() + flat.fast_steps()) / (staged.slow_steps() + staged.fast_steps()));
  }
  // about p / (p/k + k)
  CHECK(model::ring_step_gain({8, 8}) == doctest::Approx(64.0 / 16).epsilon(0.13));
  CHECK(model::ring_step_gain({128, 8}) == doctest::Approx(1024.0 / 136).epsilon(0.02));
}

TEST_CASE("large messages: the gain over the flat ring tends to (p-1)/(p-k)") {
  for (const hierarchy g : {hierarchy{2, 8}, hierarchy{4, 8}, hierarchy{8, 8}}) {
    const model::link_classes on{.fast = {1e-6, 1e15}, .slow = {1e-6, 1e9}};
    const double flat = model::cost_of({operation::all_gather, algorithm::ring, g, 1e12}, on).total();
    const double staged = model::cost_of({operation::all_gather, algorithm::hierarchical, g, 1e12}, on, 16).total();
    CHECK(flat / staged == doctest::Approx(model::best_speed_up(g)).epsilon(0.001));
  }
}

TEST_CASE("break-even: unpipelined, the hierarchy wins on bandwidth only if fast / slow exceeds n") {
  for (const hierarchy g : {hierarchy{2, 2}, hierarchy{2, 8}, hierarchy{5, 4}, hierarchy{16, 8}}) {
    CHECK(model::break_even_speed_ratio(g) == g.nodes);
    for (const double off : {0.99, 1.01}) {
      const model::link_classes on{.fast = {0, off * g.nodes * 1e9}, .slow = {0, 1e9}};
      const model::collective staged{operation::all_gather, algorithm::hierarchical, g, 1e9, algorithm::direct};
      const model::collective flat{operation::all_gather, algorithm::ring, g, 1e9};
      CHECK((model::cost_of(staged, on).total() < model::cost_of(flat, on).total()) == (off > 1));
      CHECK(model::cost_of(staged, on, 1000).total() <
            model::cost_of(flat, on).total());  // overlap lifts the condition
    }
  }
}

TEST_CASE("two hops against an all-reduce every micro-step: the published gains") {
  // G = 20 GB, N = 64, p = k = 8, 120 GB/s in the node, 8 GB/s a node
  model::two_hop_case c{20e9, 64, 8, 1, 120e9, 8e9 / 8};
  CHECK(model::two_hop_gain(c, 8e9) == doctest::Approx(1.09).epsilon(0.005 / 1.09));
  c.micro_steps = 4;
  CHECK(model::two_hop_gain(c, 8e9) == doctest::Approx(3.97).epsilon(0.005 / 3.97));
  c.micro_steps = 8;
  CHECK(model::two_hop_gain(c, 8e9) == doctest::Approx(7.11).epsilon(0.006 / 7.11));
  c.micro_steps = 16;
  CHECK(model::two_hop_gain(c, 8e9) == doctest::Approx(11.7).epsilon(0.05 / 11.7));
}

TEST_CASE("a step's communication: s * 3(p-1)/p M/B + 2(r-1)/r (G/p)/B") {
  const model::two_hop_case c{8e9, 32, 8, 4, 100e9, 1e9};
  CHECK(model::mics_step_s(c) == doctest::Approx(4 * 3 * 7.0 / 8 * 0.08 + 2 * 3.0 / 4 * 1));
  const model::two_hop_case zero3{8e9, 32, 32, 4, 100e9, 1e9};
  CHECK(model::mics_step_s(zero3) == doctest::Approx(4 * 3 * 31.0 / 32 * 0.08));  // no replicas, no hop 2
}

TEST_CASE("a cost is never below the wire of either link class nor above all of it in a row") {
  for (const hierarchy g : {hierarchy{1, 4}, hierarchy{2, 4}, hierarchy{3, 3}, hierarchy{8, 2}}) {
    for (int op = 0; op < mics::operation_count; ++op) {
      for (const algorithm how : all_algorithms) {
        const model::collective c{static_cast<operation>(op), how, g, 3e7};
        if (message_of(c) != "nothing was thrown") continue;
        const auto s = model::stages_of(c);
        for (const double fast : {1e9, 4e10, 1e12}) {
          const model::link_classes on{.fast = {0, fast}, .slow = {0, 4e9}};
          const double slow_s = s.slow_into_node() / 4e9, fast_s = (s.parts[0].fast_load + s.parts[1].fast_load) / fast;
          double sum = fast_s;
          for (const auto& part : s.parts) sum += part.slow_load / 4e9;
          for (const double chunks : {1.0, 7.0}) {
            const double time = model::cost_of(s, on, chunks).total();
            CHECK(time >= std::max(slow_s, fast_s) * (1 - 1e-12));
            CHECK(time <= sum * (1 + 1e-12));
          }
        }
      }
    }
  }
}

TEST_CASE("more bandwidth and less latency never cost time") {
  const model::link_classes slower{.fast = {5e-6, 1e10}, .slow = {20e-6, 1e9}};
  for (const algorithm how : {algorithm::direct, algorithm::ring, algorithm::hierarchical}) {
    const model::collective c{operation::all_reduce, how, {4, 4}, 1e6};
    const double before = model::cost_of(c, slower).total();
    for (auto change : {+[](model::link_classes& l) { l.fast.bytes_per_s *= 2; },
                        +[](model::link_classes& l) { l.slow.bytes_per_s *= 2; },
                        +[](model::link_classes& l) { l.fast.latency_s /= 2; },
                        +[](model::link_classes& l) { l.slow.latency_s /= 2; }}) {
      model::link_classes faster = slower;
      change(faster);
      CHECK(model::cost_of(c, faster).total() <= before);
    }
  }
}

TEST_CASE("wrong sizes and speeds are refused by name") {
  CHECK(message_of({operation::all_gather, algorithm::ring, {0, 8}, 1}).find("shape.nodes is 0; allowed") == 0);
  CHECK(message_of({operation::all_gather, algorithm::ring, {2, -8}, 1}).find("shape.node_size is -8") == 0);
  CHECK(message_of({operation::all_gather, algorithm::ring, {2, 8}, -1}).find("bytes is -1") == 0);
  model::link_classes still = a_cluster;
  still.slow.bytes_per_s = 0;
  CHECK(message_of({operation::all_gather, algorithm::ring, {2, 8}, 1}, still).find("slow.bytes_per_s is 0") == 0);
  CHECK(message_of({operation::all_gather, algorithm::tree, {2, 8}, 1}) ==
        "algorithm tree cannot serve all_gather on 2 nodes of 8");
}
