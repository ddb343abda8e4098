# The project's own warnings: of this folder and those below, hence also of the headers when they are verified alone, but
# of no target, so that no consumer sees them.
if(PROJECT_IS_TOP_LEVEL)
  # Where files are compiled several at once, a name may hide one of the next file's: there only locals are compared with
  # locals, which g++ can do.
  set(alone "$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>")
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion>"
                      "$<$<AND:$<COMPILE_LANGUAGE:CXX>,${alone}>:-Wshadow>"
                      "$<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<NOT:${alone}>>:-Wshadow=local>")
endif()
