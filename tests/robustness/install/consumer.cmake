# Builds a small program of a reader's for C++17 and C++20 against a copy of the package in PREFIX, in the folder WORK, and
# runs it. Another program, installed into that copy, finds the data after all of it was moved.
cmake_minimum_required(VERSION 3.21...3.25)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK}")
file(COPY "${CMAKE_CURRENT_LIST_DIR}/consumer" DESTINATION "${WORK}")
file(COPY "${PREFIX}/" DESTINATION "${WORK}/prefix")
run("${CMAKE_COMMAND}" -S consumer -B build -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix")
run("${CMAKE_COMMAND}" --build build)
foreach(standard IN ITEMS 17 20)
  run(build/consumer${standard} "${WORK}/prefix/share/handgrad/data/mnist")
  message("C++${standard}: ${output}")
endforeach()

file(COPY "${WORK}/build/digits" DESTINATION "${WORK}/prefix/bin")
file(RENAME "${WORK}/prefix" "${WORK}/moved")
run("${WORK}/moved/bin/digits" "${WORK}/moved/share/handgrad/data/mnist")
message("Moved: ${output}")
file(REMOVE_RECURSE "${WORK}/moved")
