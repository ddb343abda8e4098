# Finds NCCL: its own config package if there is one, else nccl.h and the library.
# Hints: NCCL_ROOT, CUDAToolkit_ROOT, CUDA_HOME, /usr/local/cuda. Defines NCCL::nccl, NCCL_FOUND and NCCL_VERSION.
include(FindPackageHandleStandardArgs)

find_package(NCCL CONFIG QUIET)
if(TARGET NCCL::nccl)
  find_package_handle_standard_args(NCCL CONFIG_MODE)
  return()
endif()

set(nccl_hints ${NCCL_ROOT} $ENV{NCCL_ROOT} ${CUDAToolkit_ROOT} $ENV{CUDAToolkit_ROOT} $ENV{CUDA_HOME})
find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${nccl_hints} PATHS /usr/local/cuda PATH_SUFFIXES include)
find_library(NCCL_LIBRARY nccl HINTS ${nccl_hints} PATHS /usr/local/cuda PATH_SUFFIXES lib lib64)
mark_as_advanced(NCCL_INCLUDE_DIR NCCL_LIBRARY)

if(NCCL_INCLUDE_DIR)
  file(STRINGS "${NCCL_INCLUDE_DIR}/nccl.h" nccl_lines REGEX "^#define NCCL_(MAJOR|MINOR|PATCH) +[0-9]+")
  list(TRANSFORM nccl_lines REPLACE "[^0-9]" "")
  list(JOIN nccl_lines "." NCCL_VERSION)
endif()

find_package(CUDAToolkit QUIET)
find_package_handle_standard_args(NCCL REQUIRED_VARS NCCL_LIBRARY NCCL_INCLUDE_DIR CUDAToolkit_FOUND
                                  VERSION_VAR NCCL_VERSION)

if(NCCL_FOUND AND NOT TARGET NCCL::nccl)
  add_library(NCCL::nccl UNKNOWN IMPORTED)
  set_target_properties(NCCL::nccl PROPERTIES IMPORTED_LOCATION "${NCCL_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${NCCL_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES CUDA::cudart)
endif()
