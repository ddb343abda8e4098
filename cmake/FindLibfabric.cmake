# Finds libfabric, which ships libfabric.pc and no CMake package.
# Hints: Libfabric_ROOT, pkg-config. Defines Libfabric::libfabric, Libfabric_FOUND and Libfabric_VERSION.
include(FindPackageHandleStandardArgs)

find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(PC_LIBFABRIC QUIET libfabric)
endif()

set(libfabric_hints ${Libfabric_ROOT} $ENV{Libfabric_ROOT})
find_path(Libfabric_INCLUDE_DIR rdma/fabric.h HINTS ${libfabric_hints} ${PC_LIBFABRIC_INCLUDE_DIRS}
          PATHS /opt/amazon/efa PATH_SUFFIXES include)
find_library(Libfabric_LIBRARY fabric HINTS ${libfabric_hints} ${PC_LIBFABRIC_LIBRARY_DIRS}
             PATHS /opt/amazon/efa PATH_SUFFIXES lib lib64)
mark_as_advanced(Libfabric_INCLUDE_DIR Libfabric_LIBRARY)

if(Libfabric_INCLUDE_DIR)
  file(STRINGS "${Libfabric_INCLUDE_DIR}/rdma/fabric.h" libfabric_lines
       REGEX "^#define FI_(MAJOR|MINOR|REVISION)_VERSION +[0-9]+")
  list(TRANSFORM libfabric_lines REPLACE "[^0-9]" "")
  list(JOIN libfabric_lines "." Libfabric_VERSION)
endif()

find_package_handle_standard_args(Libfabric REQUIRED_VARS Libfabric_LIBRARY Libfabric_INCLUDE_DIR
                                  VERSION_VAR Libfabric_VERSION)

if(Libfabric_FOUND AND NOT TARGET Libfabric::libfabric)
  add_library(Libfabric::libfabric UNKNOWN IMPORTED)
  set_target_properties(Libfabric::libfabric PROPERTIES IMPORTED_LOCATION "${Libfabric_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${Libfabric_INCLUDE_DIR}")
endif()
