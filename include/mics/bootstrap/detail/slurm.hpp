#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mics/bootstrap/detail/variables.hpp>

/// What Slurm says in short forms of its own.
namespace mics::bootstrap::detail {

/// First host of a list like "gpu[007-012,20],login1": "gpu007". Several brackets a name are possible.
inline std::string first_host(std::string_view list) {
  std::string host;
  for (std::size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const std::size_t close = list.find(']', i);
    host += list.substr(i + 1, list.find_first_of(",-]", i) - i - 1);
    if (close == std::string_view::npos) break;
    i = close;
  }
  return host;
}

/// Entry `node` of a list like "8(x3),4": 8, 8, 8, 4. None when the list is not of this form, or shorter.
inline std::optional<int> tasks_on(std::string_view list, std::int64_t node) {
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    int tasks = 0;
    int times = 1;
    const auto count = std::from_chars(at, end, tasks);
    if (count.ec != std::errc() || tasks < 1) return std::nullopt;
    at = count.ptr;
    if (end - at > 2 && at[0] == '(' && at[1] == 'x') {
      const auto repeat = std::from_chars(at + 2, end, times);
      if (repeat.ec != std::errc() || times < 1 || repeat.ptr == end || *repeat.ptr != ')') return std::nullopt;
      at = repeat.ptr + 1;
    }
    if (node < times) return tasks;
    node -= times;
    if (at != end && *at++ != ',') return std::nullopt;
  }
  return std::nullopt;
}

/// How many tasks the step has on this node; none when Slurm does not tell.
inline std::optional<named<std::int64_t>> slurm_local_size(const variable_lookup& look, std::int64_t most) {
  const auto tasks = text_of(look, {"SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE"});
  const auto node = number_of(look, {"SLURM_NODEID"}, 0, most);
  if (!tasks || !node) return std::nullopt;
  const std::optional<int> found = tasks_on(tasks->value, node->value);
  if (!found) {
    refuse_variable(
        tasks->name, tasks->value,
        "allowed: a list like 8(x3),4 with an entry for node " + std::to_string(node->value) + " (SLURM_NODEID)");
  }
  return named<std::int64_t>{tasks->name, *found};
}

/// A port from 20000 to 29999 that all ranks of a step choose, and other steps most likely do not; 0: no job known.
inline int slurm_port(const variable_lookup& look) {
  constexpr std::int64_t most = 0xffff'ffff;
  const auto job = number_of(look, {"SLURM_JOB_ID", "SLURM_JOBID"}, 0, most);
  const auto step = number_of(look, {"SLURM_STEP_ID", "SLURM_STEPID"}, 0, most);
  return job ? static_cast<int>(20'000 + (job->value * 7 + (step ? step->value : 0)) % 10'000) : 0;
}

}  // namespace mics::bootstrap::detail
