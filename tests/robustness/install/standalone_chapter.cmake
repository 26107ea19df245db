# Copies the first chapter's directory out of the tree, and builds and runs it there with nothing but the installed
# package in PREFIX, as a reader's own project would; its exercises, too.
cmake_minimum_required(VERSION 3.21...3.25)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(GLOB chapters RELATIVE "${SOURCE}/chapters" "${SOURCE}/chapters/[0-9][0-9]_*")
if(NOT chapters)
  message(FATAL_ERROR "there is no chapter in ${SOURCE}/chapters")
endif()
list(GET chapters 0 chapter)
file(REMOVE_RECURSE "${WORK}")
file(COPY "${SOURCE}/chapters/${chapter}" DESTINATION "${WORK}/copy")

run("${CMAKE_COMMAND}" -S "copy/${chapter}" -B build -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_PREFIX_PATH=${PREFIX}")
file(STRINGS "${WORK}/build/CMakeCache.txt" package REGEX "^handgrad_DIR:")
if(NOT package MATCHES "=${PREFIX}/")
  message(FATAL_ERROR "the chapter was built with ${package}, expected the package in ${PREFIX}")
endif()
run("${CMAKE_COMMAND}" --build build)
run("build/${chapter}" --out out)
if(output STREQUAL "")
  message(FATAL_ERROR "${chapter} printed nothing")
endif()

run("${CMAKE_COMMAND}" --build build --target "check_${chapter}" "check_${chapter}_solutions")
run("build/check_${chapter}_solutions")
run("build/check_${chapter}" --expect-all-fail)
set(expected 1)
run("build/check_${chapter}")
