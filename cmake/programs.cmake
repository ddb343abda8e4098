# mics_add_program(train_lm NEEDS CLI11 OPTIONAL nccl CUDA) makes one executable of the folder train_lm. A folder without
# sources is not a program (yet), and a program whose packages are missing is left out, with a message.
#   NEEDS packages        found by their own config packages
#   COMPONENTS names      of mics that it cannot do without
#   OPTIONAL names        of mics that it can: the sources below <folder>/<name> are its own where the component is usable
#                         here, else those below <folder>/no_<name>
#   CUDA                  it cannot do without a compiler for CUDA, and its .cu files are sources too
function(mics_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 program "CUDA" "" "NEEDS;COMPONENTS;OPTIONAL")
  set(patterns "${name}/*.cpp")
  if(program_CUDA)
    list(APPEND patterns "${name}/*.cu")
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${patterns})
  if(NOT sources)
    return()
  endif()
  if(program_CUDA AND NOT mics_cuda)
    message(STATUS "mics: no ${name}: it needs NCCL and a compiler for CUDA")
    return()
  endif()
  foreach(package IN LISTS program_NEEDS)
    find_package(${package} CONFIG QUIET)
    if(NOT ${package}_FOUND)
      message(STATUS "mics: no ${name}: it needs ${package}, which was not found (cmake/setup.sh demo installs it)")
      return()
    endif()
  endforeach()
  list(TRANSFORM program_NEEDS REPLACE "(.+)" "\\1::\\1" OUTPUT_VARIABLE libraries)

  foreach(component IN LISTS program_COMPONENTS program_OPTIONAL)
    set(usable ${${mics_${component}_package}_FOUND})
    if(usable)
      list(APPEND libraries mics::${component})
    elseif(component IN_LIST program_COMPONENTS)
      message(STATUS "mics: no ${name}: it needs ${mics_${component}_package}, which was not found")
      return()
    endif()
    set(unused "/${name}/no_${component}/")
    if(NOT usable)
      set(unused "/${name}/${component}/")
    endif()
    list(FILTER sources EXCLUDE REGEX "${unused}")
  endforeach()

  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE mics::mics ${libraries})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin" CUDA_STANDARD 20
                        CUDA_STANDARD_REQUIRED ON)
endfunction()

# The folders below this one: each example and each benchmark lives in its own.
function(mics_subfolders result)
  file(GLOB entries CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" LIST_DIRECTORIES true *)
  set(folders "")
  foreach(entry IN LISTS entries)
    if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${entry}")
      list(APPEND folders ${entry})
    endif()
  endforeach()
  set(${result} ${folders} PARENT_SCOPE)
endfunction()
