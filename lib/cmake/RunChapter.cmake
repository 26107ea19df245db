# Runs a chapter's program as its test does, in a folder of its own, and compares what it prints with
# expected/output.txt, or with the file beside it that EXPECTED names; with RECORD it writes that file instead. Arguments
# after -- go to the program.
#   cmake -DPROGRAM=... -DCHAPTER=<source folder> -DWORK=<folder> [-DEXPECTED=<file>]
#         [-DCOMPARER=... -DTOLERANCE=... -DBUILDS_ON=<chapters>|-DRECORD=ON] -P RunChapter.cmake -- [argument...]
cmake_minimum_required(VERSION 3.21...3.25)

set(args)
set(seen OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(seen)
    list(APPEND args "${CMAKE_ARGV${i}}")
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(seen ON)
  endif()
endforeach()

get_filename_component(name "${CHAPTER}" NAME)
foreach(earlier IN LISTS BUILDS_ON)
  if(NOT EXISTS "${CHAPTER}/../${earlier}/CMakeLists.txt" OR NOT earlier STRLESS name)
    message(FATAL_ERROR "${name} builds on ${earlier}, which is not a chapter before it")
  endif()
endforeach()

if(NOT DEFINED EXPECTED)
  set(EXPECTED output.txt)
endif()
set(expected "${CHAPTER}/expected/${EXPECTED}")
set(actual "${WORK}/output.txt")
file(REMOVE_RECURSE "${WORK}/out" "${actual}")
# The default, a relative folder: what the program prints about its files is the same on every machine.
execute_process(COMMAND "${PROGRAM}" --out "out/${name}" ${args} WORKING_DIRECTORY "${WORK}" OUTPUT_FILE "${actual}"
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}, expected 0; what it printed is in ${actual}")
endif()

if(RECORD)
  configure_file("${actual}" "${expected}" COPYONLY)
  message(STATUS "Wrote ${expected}: read the difference before you commit it")
  return()
endif()
foreach(file IN ITEMS "${expected}" "${COMPARER}")
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "${file} is missing: nothing was compared")
  endif()
endforeach()
set(rules)
if(EXISTS "${CHAPTER}/expected/rules.txt")
  set(rules --rules "${CHAPTER}/expected/rules.txt")
endif()
execute_process(COMMAND "${COMPARER}" "${expected}" "${actual}" --rtol ${TOLERANCE} ${rules} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "The output in ${actual} is not the expected one (comparer: ${status})")
endif()
