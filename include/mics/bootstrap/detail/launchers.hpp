#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <mics/bootstrap/detail/slurm.hpp>
#include <mics/bootstrap/detail/variables.hpp>

namespace mics::bootstrap::detail {

/// The variables in which a launcher tells a process its place; of several names the first that is set counts.
struct launcher {
  const char* name;
  std::vector<const char*> rank;
  std::vector<const char*> world_size;
  std::vector<const char*> local_rank;
  std::vector<const char*> local_size;
};

/// Where Slurm tells the number of tasks: of the step, else of the job.
inline const std::vector<const char*>& slurm_sizes() {
  static const std::vector<const char*> names = {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS"};
  return names;
}

/// The precedence: whoever the user set by hand, then what starts processes inside a job, then the job's own manager.
inline const std::vector<launcher>& launchers() {
  static const std::vector<launcher> all = {
      {"mics", {"MICS_RANK"}, {"MICS_WORLD_SIZE"}, {"MICS_LOCAL_RANK"}, {"MICS_LOCAL_SIZE"}},
      {"torchrun", {"RANK"}, {"WORLD_SIZE"}, {"LOCAL_RANK"}, {"LOCAL_WORLD_SIZE"}},
      {"Open MPI",
       {"OMPI_COMM_WORLD_RANK"},
       {"OMPI_COMM_WORLD_SIZE"},
       {"OMPI_COMM_WORLD_LOCAL_RANK"},
       {"OMPI_COMM_WORLD_LOCAL_SIZE"}},
      {"MPICH", {"PMI_RANK"}, {"PMI_SIZE"}, {"MPI_LOCALRANKID"}, {"MPI_LOCALNRANKS"}},
      {"Slurm", {"SLURM_PROCID"}, slurm_sizes(), {"SLURM_LOCALID"}, {}},
      {"PMIx", {"PMIX_RANK"}, {}, {}, {}},  // it tells no world size in a variable: always refused, in words
  };
  return all;
}

/// A process's place as one launcher tells it, each with the variable that said so.
struct place {
  named<std::int64_t> rank{};
  named<std::int64_t> world_size{};
  std::optional<named<std::int64_t>> local_rank{};
  std::optional<named<std::int64_t>> local_size{};
};

inline constexpr std::int64_t most_ranks = std::numeric_limits<int>::max();

inline void require_below(const named<std::int64_t>& value, const named<std::int64_t>& bound) {
  if (value.value < bound.value) return;
  refuse_variable(value.name, std::to_string(value.value),
                  std::string("but ") + bound.name + " is \"" + std::to_string(bound.value) + "\"; allowed: 0 to " +
                      std::to_string(bound.value - 1));
}

inline std::string joined(const std::vector<const char*>& names) {
  std::string text;
  for (const char* name : names) text += (text.empty() ? "" : " or ") + std::string(name);
  return text;
}

/// The place that `from` tells; none when it did not start this process.
inline std::optional<place> place_from(const launcher& from, const variable_lookup& look) {
  const auto rank = number_of(look, from.rank, 0, most_ranks - 1);
  const auto size = number_of(look, from.world_size, 1, most_ranks);
  const bool shared_name = from.world_size.size() > 1;  // Slurm tells the number of tasks to batch scripts too
  if (!rank && (!size || shared_name)) return std::nullopt;
  if (!rank) {
    refuse_variable(size->name, std::to_string(size->value), "but " + joined(from.rank) + " is not set");
  }
  if (!size) {
    refuse_variable(
        rank->name, std::to_string(rank->value),
        from.world_size.empty()
            ? "but PMIx tells no number of ranks in a variable; set MICS_RANK and MICS_WORLD_SIZE on every rank"
            : "but " + joined(from.world_size) + " is not set");
  }
  require_below(*rank, *size);
  place found{*rank, *size, number_of(look, from.local_rank, 0, most_ranks - 1),
              number_of(look, from.local_size, 1, most_ranks)};
  if (found.local_size && found.local_size->value > size->value) {
    refuse_variable(found.local_size->name, std::to_string(found.local_size->value),
                    std::string("but ") + size->name + " is \"" + std::to_string(size->value) + "\"; allowed: 1 to " +
                        std::to_string(size->value));
  }
  if (found.local_rank) require_below(*found.local_rank, found.local_size.value_or(*size));
  return found;
}

/// Slurm speaks PMI too (srun --mpi=pmi2, cray_shasta): then it sets MPICH's variables beside its own, which know more.
/// Hydra inside of a job of Slurm leaves Slurm's as they were for the script, or for one process a node, that started
/// it; and it tells local ranks, which Slurm does not in MPICH's way.
inline bool slurm_speaks_pmi(const place& told, const variable_lookup& look) {
  const auto rank = text_of(look, {"SLURM_PROCID"});
  const auto size = text_of(look, slurm_sizes());
  return !told.local_rank && rank && size && rank->value == std::to_string(told.rank.value) &&
         size->value == std::to_string(told.world_size.value);
}

/// PMIx speaks beside Open MPI and Slurm: what it says of the rank must be the same.
inline void require_same_pmix_rank(const place& told, const variable_lookup& look) {
  const auto pmix = number_of(look, {"PMIX_RANK"}, 0, most_ranks - 1);
  if (!pmix || pmix->value == told.rank.value) return;
  refuse_variable(pmix->name, std::to_string(pmix->value),
                  std::string("but ") + told.rank.name + " is \"" + std::to_string(told.rank.value) +
                      "\"; allowed: the same rank, or MICS_RANK and MICS_WORLD_SIZE to decide");
}

}  // namespace mics::bootstrap::detail
