# The project's own warnings: of this folder and those below, hence also of the headers when they are verified alone, but
# of no target, so that no consumer sees them.
if(PROJECT_IS_TOP_LEVEL)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion>")
  if(NOT CMAKE_UNITY_BUILD)  # there, a name may hide one of the next file's
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wshadow>")
  endif()
endif()
