#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <mics/bootstrap/detail/launchers.hpp>
#include <mics/bootstrap/detail/slurm.hpp>
#include <mics/bootstrap/detail/variables.hpp>
#include <mics/bootstrap/variable_lookup.hpp>
#include <mics/error.hpp>

namespace mics::bootstrap {

/// Where a process stands in its job, and where the job meets. Filled by read_environment(), or by hand.
struct environment {
  int rank = 0;
  int world_size = 1;
  int local_rank = -1;           ///< index among the job's processes of this host, to choose a device; -1: not told
  int local_size = 0;            ///< how many processes the job has on this host; 0: not told
  std::string master_address{};  ///< host of rank 0, by name or number; empty: not told
  int master_port = 0;           ///< where rank 0 listens; 0: not told
  std::string node_id{};         ///< ranks of the same text share a node; empty: those of the same host do
  std::string job_secret{};      ///< the same on every rank, see rendezvous()
  std::string launcher{};        ///< who told all this: "torchrun", "Slurm", ...; empty: nobody
};

namespace detail {

/// torchrun keeps MASTER_PORT for its own store while the ranks run, so the next one is taken.
inline int port_from(const variable_lookup& look, const std::string& launcher) {
  if (const auto own = number_of(look, {"MICS_MASTER_PORT"}, 1, 65535)) return static_cast<int>(own->value);
  const auto shared = number_of(look, {"MASTER_PORT"}, 1, 65535);
  if (!shared) return launcher == "Slurm" ? slurm_port(look) : 0;
  const auto store = text_of(look, {"TORCHELASTIC_USE_AGENT_STORE"});
  const bool taken = store && (store->value == "True" || store->value == "true" || store->value == "1");
  return static_cast<int>(shared->value == 65535 || !taken ? shared->value : shared->value + 1);
}

inline std::string address_from(const variable_lookup& look, const environment& place) {
  if (const auto told = text_of(look, {"MICS_MASTER_ADDR", "MASTER_ADDR"})) return told->value;
  if (place.launcher == "Slurm") {
    const auto hosts = text_of(look, {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST"});
    if (hosts) return first_host(hosts->value);
  }
  return place.local_size == place.world_size ? "127.0.0.1" : "";
}

/// MICS_JOB_SECRET, else what tells this job from others.
inline std::string secret_from(const variable_lookup& look, const environment& place) {
  if (const auto secret = text_of(look, {"MICS_JOB_SECRET"})) return secret->value;
  std::string derived = place.master_address + ":" + std::to_string(place.master_port);
  const bool by_slurm = place.launcher == "Slurm";  // else ranks may have come through different steps of its job
  for (const char* name : {"TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "PMIX_NAMESPACE", by_slurm ? "SLURM_STEP_ID" : ""}) {
    if (const auto job = text_of(look, {name})) derived += " " + job->value;
  }
  return derived;
}

}  // namespace detail

/// Reads what the launcher of this process tells in environment variables.
/// - Precedence, the first whose rank (or world size) is set: MICS_RANK, MICS_WORLD_SIZE, MICS_LOCAL_RANK,
///   MICS_LOCAL_SIZE; torchrun (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE); Open MPI (OMPI_COMM_WORLD_RANK, ...);
///   MPICH and others with Hydra (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS); Slurm (SLURM_PROCID,
///   SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID, SLURM_TASKS_PER_NODE). Slurm comes last since its variables
///   are visible to programs that another launcher started inside of its job; before MPICH, though, where both tell the
///   same rank and size, and no MPI_LOCALRANKID is set: then srun speaks PMI. Nobody: a world of one rank. PMIx alone
///   (PMIX_RANK) is refused, for it tells no world size in a variable: set MICS_RANK and MICS_WORLD_SIZE.
/// - Address: MICS_MASTER_ADDR, MASTER_ADDR; else Slurm's first host; else 127.0.0.1 when all ranks are on one host.
/// - Port: MICS_MASTER_PORT; else MASTER_PORT, or one more where torchrun holds that one for itself
///   (TORCHELASTIC_USE_AGENT_STORE); else, under Slurm, one computed from the numbers of job and step.
/// - Node: MICS_NODE_ID, NCCL_HOSTID; else found from the host. Secret: MICS_JOB_SECRET, see rendezvous().
/// - Throws usage_error that names the variable, its value and what is allowed, for values that are malformed, out of
///   range or contradict each other. An empty variable counts as not set.
inline environment read_environment(const variable_lookup& look = process_variable) {
  environment found;
  for (const detail::launcher& candidate : detail::launchers()) {
    auto place = detail::place_from(candidate, look);
    if (!place) continue;
    if (candidate.name == std::string_view("MPICH") && detail::slurm_speaks_pmi(*place, look)) continue;
    found.launcher = candidate.name;
    if (found.launcher == "Slurm" || found.launcher == "Open MPI") detail::require_same_pmix_rank(*place, look);
    if (found.launcher == "Slurm") {
      place->local_size = detail::slurm_local_size(look, detail::most_ranks);
      if (place->local_rank && place->local_size) detail::require_below(*place->local_rank, *place->local_size);
    }
    found.rank = static_cast<int>(place->rank.value);
    found.world_size = static_cast<int>(place->world_size.value);
    if (place->local_rank) found.local_rank = static_cast<int>(place->local_rank->value);
    if (place->local_size) found.local_size = static_cast<int>(place->local_size->value);
    break;
  }
  if (const auto node = detail::text_of(look, {"MICS_NODE_ID", "NCCL_HOSTID"})) found.node_id = node->value;
  found.master_address = detail::address_from(look, found);
  found.master_port = detail::port_from(look, found.launcher);
  found.job_secret = detail::secret_from(look, found);
  return found;
}

}  // namespace mics::bootstrap
