# The interface targets: mics::mics, and one for each component that needs another library.
#
#   mics_add_component(nccl PACKAGE NCCL TARGET NCCL::nccl HEADERS "/transport/nccl[./]")
#
# before mics_add_core() defines mics::nccl out of the headers whose path matches HEADERS. PACKAGE is looked for here only
# to verify the headers; a consumer of the installed package finds its own when it asks for the component. EXTRA names one
# more package and its target, used where it is there: the headers see MICS_HAS_<PACKAGE>.

file(GLOB_RECURSE mics_headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/mics/*.hpp"
     "${CMAKE_CURRENT_SOURCE_DIR}/include/mics/*.cuh")
set(mics_core_headers ${mics_headers})
set(mics_components "")

# Headers for nvcc (.cuh) are installed too, but not verified alone by the host's compiler.
function(mics_add_headers target)
  set(device_headers ${ARGN})
  list(FILTER device_headers INCLUDE REGEX "[.]cuh$")
  list(REMOVE_ITEM ARGN ${device_headers})
  target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${ARGN})
  if(device_headers)
    target_sources(${target} INTERFACE FILE_SET device_headers TYPE HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include"
                   FILES ${device_headers})
  endif()
  set_target_properties(${target} PROPERTIES INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
endfunction()

macro(mics_add_component name)
  cmake_parse_arguments(component "" "PACKAGE;TARGET;HEADERS" "ARGUMENTS;EXTRA" ${ARGN})
  set(headers ${mics_core_headers})
  list(FILTER headers INCLUDE REGEX "${component_HEADERS}")
  list(FILTER mics_core_headers EXCLUDE REGEX "${component_HEADERS}")
  add_library(mics_${name} INTERFACE)
  add_library(mics::${name} ALIAS mics_${name})
  mics_add_headers(mics_${name} ${headers})
  set_target_properties(mics_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(mics_${name} INTERFACE mics::mics ${component_TARGET})
  set(mics_${name}_extra "")
  if(component_EXTRA)
    list(GET component_EXTRA 0 mics_${name}_extra)
    list(GET component_EXTRA 1 extra_target)
    string(TOUPPER "MICS_HAS_${mics_${name}_extra}" extra_macro)
    find_package(${mics_${name}_extra} QUIET GLOBAL)
    target_link_libraries(mics_${name} INTERFACE "$<TARGET_NAME_IF_EXISTS:${extra_target}>")
    target_compile_definitions(mics_${name} INTERFACE "$<$<TARGET_EXISTS:${extra_target}>:${extra_macro}>")
  endif()
  find_package(${component_PACKAGE} ${component_ARGUMENTS} QUIET GLOBAL)
  if(${component_PACKAGE}_FOUND)
    set_target_properties(mics_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  else()
    message(STATUS "mics: ${component_PACKAGE} not found, mics::${name} can be installed but not used here")
  endif()
  list(APPEND mics_components ${name})
  set(mics_${name}_package ${component_PACKAGE})
  set(mics_${name}_target ${component_TARGET})
  set(mics_${name}_arguments ${component_ARGUMENTS})
endmacro()

function(mics_add_core)
  find_package(Threads REQUIRED)
  add_library(mics INTERFACE)
  add_library(mics::mics ALIAS mics)
  mics_add_headers(mics ${mics_core_headers})
  set_target_properties(mics PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  target_compile_features(mics INTERFACE cxx_std_20)
  target_link_libraries(mics INTERFACE Threads::Threads)
endfunction()
