#pragma once

// The version of the library; the build system reads it here. The only macros that mics defines.
#define MICS_VERSION_MAJOR 0
#define MICS_VERSION_MINOR 1
#define MICS_VERSION_PATCH 0

/// One number that grows with every release, for `#if MICS_VERSION >= 100`.
#define MICS_VERSION (MICS_VERSION_MAJOR * 10000 + MICS_VERSION_MINOR * 100 + MICS_VERSION_PATCH)
