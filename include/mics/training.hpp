#pragma once

/// What a trainer needs beside the collectives: sharded layouts and two-hop gradient synchronization.

#include <mics/training/gradient_sync.hpp>
#include <mics/training/shard_copy.hpp>
#include <mics/training/shard_layout.hpp>
