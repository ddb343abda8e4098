# mics_add_program(train_lm NEEDS CLI11 OPTIONAL nccl CUDA) makes one executable of the folder train_lm. A folder without
# sources is not a program (yet), and a program whose packages are missing is left out, with a message.
#   NEEDS packages        found by their own config packages
#   COMPONENTS names      of mics that it cannot do without
#   OPTIONAL names        components of mics or libraries of CUDA: the sources below <folder>/<name> are its own where that
#                         is usable here, else those below <folder>/no_<name>
#   CUDA                  it cannot do without a compiler for CUDA, and its .cu files are sources too
#   GPU                   the sources below <folder>/gpu, CUDA's too, are its own where NCCL, cuBLAS and a compiler for CUDA
#                         are here, else those below <folder>/no_gpu
#   SOURCES files         of other folders
function(mics_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 program "CUDA;GPU" "" "NEEDS;COMPONENTS;OPTIONAL;SOURCES")
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

  foreach(part IN LISTS program_COMPONENTS program_OPTIONAL)
    set(usable FALSE)
    if(DEFINED mics_${part}_package)
      set(library mics::${part})
      set(usable ${${mics_${part}_package}_FOUND})
    elseif(TARGET CUDA::${part})
      set(library CUDA::${part})
      set(usable TRUE)
    endif()
    if(usable)
      list(APPEND libraries ${library})
      list(FILTER sources EXCLUDE REGEX "/${name}/no_${part}/")
    elseif(part IN_LIST program_COMPONENTS)
      message(STATUS "mics: no ${name}: it needs ${part}, which was not found")
      return()
    else()
      list(FILTER sources EXCLUDE REGEX "/${name}/${part}/")
    endif()
  endforeach()

  if(program_GPU AND mics_cuda AND TARGET CUDA::cublas)
    list(APPEND libraries mics::nccl CUDA::cublas)
    list(FILTER sources EXCLUDE REGEX "/${name}/no_gpu/")
    file(GLOB_RECURSE kernels CONFIGURE_DEPENDS "${name}/gpu/*.cu")
    list(APPEND sources ${kernels})
  elseif(program_GPU)
    message(STATUS "mics: ${name} without GPUs: they need NCCL, cuBLAS and a compiler for CUDA")
    list(FILTER sources EXCLUDE REGEX "/${name}/gpu/")
  endif()

  add_executable(${name} ${sources} ${program_SOURCES})
  target_link_libraries(${name} PRIVATE mics::mics ${libraries})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  if(program_CUDA OR kernels)  # CMake 3.25 does not know that nvcc has C++20
    target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>")
  endif()
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
