#pragma once

/// Ranks as threads of one process: for tests, laptops and a first look. See mics::thread::cluster.

#include <mics/transport/thread/cluster.hpp>
#include <mics/transport/thread/communicator.hpp>
#include <mics/transport/thread/stream.hpp>
#include <mics/transport/thread/traffic.hpp>
