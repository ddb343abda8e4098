// What 8 bytes take between two ranks of one host, each with a core of its own, through the public interface; beside it
// what two bare stores take. One process a rank, forked here.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <sched.h>

#include <mics/bootstrap.hpp>
#include <mics/mics.hpp>
#include <mics/transport/libfabric.hpp>

#include "../common/command_line.hpp"
#include "../mics_perf/json.hpp"
#include "../mics_perf/machine.hpp"
#include "../mics_perf/statistics.hpp"
#include "bare_line.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

/// So many times the least: the cores lie further apart than they can, for the machine is a virtual one that moves
/// them.
constexpr double moved_apart = 2;

struct series {
  const char* name;
  const char* op;
  const char* algo;
  std::size_t bytes;
  std::vector<double> nanoseconds{};
};

/// Both ranks run it; rank 0's times count.
class measurement {
 public:
  measurement(const mics::libfabric::communicator& world, bare_line& bare, int calls)
      : world_(&world), bare_(&bare), calls_(calls) {}

  /// All series, in turns, each between two samples of the bare line; those beside which its ends lie far apart do not
  /// count.
  void run(int samples) {
    std::vector<std::array<double, 4>> lines;
    std::vector<std::array<double, 3>> times;
    for (int s = 0; s < samples; ++s) {
      auto& line = lines.emplace_back();
      auto& time = times.emplace_back();
      line[0] = sample([&] { bare_->exchange(world_->rank(), ++turn_); });
      time[0] = sample([&] { ping_pong(); }) / 2;
      line[1] = sample([&] { bare_->exchange(world_->rank(), ++turn_); });
      time[1] = sample([&] { gather(); });
      line[2] = sample([&] { bare_->exchange(world_->rank(), ++turn_); });
      time[2] = sample([&] { mics::barrier(*world_); });
      line[3] = sample([&] { bare_->exchange(world_->rank(), ++turn_); });
    }
    double least = lines[0][0];
    for (const auto& line : lines) least = std::min({least, line[0], line[1], line[2], line[3]});
    for (std::size_t s = 0; s < lines.size(); ++s) {
      for (std::size_t i = 0; i < 3; ++i) {
        if (std::max(lines[s][i], lines[s][i + 1]) > moved_apart * least) continue;
        all[0].nanoseconds.push_back(lines[s][i]);
        all[i + 1].nanoseconds.push_back(times[s][i]);
      }
    }
  }

  std::array<series, 4> all{{{"two bare stores", "copy", "bare", 8},
                             {"half a round trip, by broadcasts", "broadcast", "auto", 8},
                             {"both at once, by an all-gather", "all_gather", "auto", 16},
                             {"barrier", "barrier", "auto", 0}}};
  std::uint64_t wrong = 0;

 private:
  template <class Call> double sample(Call call) {
    const auto start = clock_type::now();
    for (int i = 0; i < calls_; ++i) call();
    return std::chrono::duration<double, std::nano>(clock_type::now() - start).count() / calls_;
  }

  void ping_pong() {
    ++number_;
    std::array<std::uint64_t, 1> value{world_->rank() == 0 ? number_ : 0};
    mics::broadcast(*world_, value, 0);
    if (world_->rank() == 1) ++value[0];
    mics::broadcast(*world_, value, 1);
    wrong += value[0] != number_ + 1 ? 1 : 0;
  }

  void gather() {
    ++number_;
    const std::array<std::uint64_t, 1> own{2 * number_ + static_cast<std::uint64_t>(world_->rank())};
    std::array<std::uint64_t, 2> both{};
    mics::all_gather(*world_, own, both);
    wrong += both[0] != 2 * number_ || both[1] != 2 * number_ + 1 ? 1 : 0;
  }

  const mics::libfabric::communicator* world_;
  bare_line* bare_;
  int calls_;  ///< in a sample
  std::uint64_t turn_ = 0;
  std::uint64_t number_ = 0;
};

/// Of those that this process may use, the first for rank 0, the second for rank 1.
void keep_to_core_of(int rank) {
  cpu_set_t allowed, one;
  CPU_ZERO(&one);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw std::runtime_error("the cores are not known");
  int left = rank;
  for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &allowed) && left-- == 0) CPU_SET(core, &one);
  }
  if (CPU_COUNT(&one) == 0) throw std::runtime_error("there is one core only for two ranks");
  if (::sched_setaffinity(0, sizeof one, &one) != 0) throw std::runtime_error("a rank cannot be kept to a core");
}

void tell(measurement& done, const std::string& json, const perf::context& facts) {
  std::vector<perf::row> rows;
  for (series& s : done.all) {
    if (s.nanoseconds.empty()) {
      std::printf("%-34s never while the cores were near each other\n", s.name);
      continue;
    }
    const double median = perf::median(s.nanoseconds);
    std::printf("%-34s median %4.0f ns, least %4.0f ns, %zu samples\n", s.name, median,
                *std::min_element(s.nanoseconds.begin(), s.nanoseconds.end()), s.nanoseconds.size());
    perf::row r;
    r.op = s.op;
    r.algo = s.algo;
    r.plan = s.name;
    r.transport = "libfabric";
    r.nodes = 1;
    r.node_size = r.partition = 2;
    r.size = s.bytes;
    r.count = s.bytes > 0 ? 1 : 0;
    r.type = "uint64";
    r.time_us = median / 1000;
    r.wrong = done.wrong;
    rows.push_back(r);
  }
  std::printf("wrong values: %llu\n", static_cast<unsigned long long>(done.wrong));
  if (!json.empty()) perf::write_json(json, facts, rows);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What 8 bytes take between two ranks of one host.", "mics_round_trip");
  int samples = 300, calls = 2000;
  std::string json;
  app.add_option("-n,--samples", samples, "of each kind")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--calls", calls, "back to back in a sample")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--json", json, "write context and rows to this file");
  read_command_line(app, argc, argv, [] {});
  perf::options run;
  run.warmup = 0;
  run.iterations = samples;
  run.transport = perf::transport::libfabric;
  try {
    perf::context facts = perf::describe_run("mics_round_trip", run, argc, argv);
    facts.back() = {"time", "median of the samples of one call, rank 0's, while the cores were near each other"};
    bare_line bare;
    mics::bootstrap::local::spawn(2, [&](mics::bootstrap::session& job) {
      keep_to_core_of(job.rank());
      const auto world = mics::libfabric::make_world(job);
      measurement all(world, bare, calls);
      all.run(samples);
      if (job.rank() == 0) tell(all, json, facts);
      if (all.wrong > 0) throw std::runtime_error(std::to_string(all.wrong) + " values were wrong");
      job.barrier();
    });
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "mics_round_trip: %s\n", problem.what());
    return 3;
  }
}
