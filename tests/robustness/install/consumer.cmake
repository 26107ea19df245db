# Builds a small program of a reader's for C++17 and C++20 against the package in PREFIX, in the folder WORK, and runs it.
cmake_minimum_required(VERSION 3.21...3.25)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK}")
file(COPY "${CMAKE_CURRENT_LIST_DIR}/consumer" DESTINATION "${WORK}")
run("${CMAKE_COMMAND}" -S consumer -B build -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_PREFIX_PATH=${PREFIX}")
run("${CMAKE_COMMAND}" --build build)
foreach(standard IN ITEMS 17 20)
  run(build/consumer${standard} "${PREFIX}/share/handgrad/data/mnist")
  message("C++${standard}: ${output}")
endforeach()
