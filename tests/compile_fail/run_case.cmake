# Compiles CASE with COMPILER and INCLUDE; fails unless the outcome is the EXPECTED one (default: what the case says).
if(NOT DEFINED EXPECTED)
  file(STRINGS "${CASE}" first LIMIT_COUNT 1)
  if(NOT first MATCHES "^// expect: (.+)$")
    message(FATAL_ERROR "${CASE} must begin with '// expect: ...'")
  endif()
  set(EXPECTED "${CMAKE_MATCH_1}")
endif()

execute_process(COMMAND "${CMAKE_COMMAND}" -E env LC_ALL=C "${COMPILER}"
                        -std=c++20 -fsyntax-only "-I${INCLUDE}" "${CASE}"
                RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)

if(EXPECTED STREQUAL "compiles")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "this must compile:\n${said}")
  endif()
elseif(status EQUAL 0)
  message(FATAL_ERROR "this must not compile")
elseif(NOT said MATCHES "${EXPECTED}")
  message(FATAL_ERROR "the compiler refused it, but did not say '${EXPECTED}':\n${said}")
endif()
