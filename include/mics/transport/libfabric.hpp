#pragma once

/// Hosts: collectives between processes, through shared memory inside a node and libfabric between nodes. Needs the
/// component libfabric of the package. See mics::libfabric::make_world.

#include <mics/transport/libfabric/communicator.hpp>
#include <mics/transport/libfabric/gradient_memory.hpp>
#include <mics/transport/libfabric/registered_buffer.hpp>
#include <mics/transport/libfabric/settings.hpp>
#include <mics/transport/libfabric/shared_memory.hpp>
#include <mics/transport/libfabric/world.hpp>
