#pragma once

/// The core of mics: groups, collectives and plans. Beside it: mics/training.hpp, mics/model/, and the transports, each
/// with a header of its own in mics/transport/.

#include <mics/collectives/all_gather.hpp>
#include <mics/collectives/all_reduce.hpp>
#include <mics/collectives/barrier.hpp>
#include <mics/collectives/batch.hpp>
#include <mics/collectives/broadcast.hpp>
#include <mics/collectives/coalesced.hpp>
#include <mics/collectives/reduce_scatter.hpp>
#include <mics/communicator.hpp>
#include <mics/error.hpp>
#include <mics/groups.hpp>
#include <mics/options.hpp>
#include <mics/plan.hpp>
#include <mics/topology.hpp>
#include <mics/types.hpp>
#include <mics/version.hpp>
