#pragma once

// What moves: element types, 16-bit and 8-bit floats, reductions, and the names of the collectives.

#include <mics/types/bfloat16.hpp>
#include <mics/types/data_type.hpp>
#include <mics/types/float16.hpp>
#include <mics/types/float8.hpp>
#include <mics/types/operation.hpp>
#include <mics/types/reduction.hpp>
#include <mics/types/transportable.hpp>
