# Builds the library by COMPILER with the options ARGUMENTS in the folder WORK, and has it used from a moved prefix by all
# COMPILERS, as a Debug and as a Release program, for C++17 and C++20.
cmake_minimum_required(VERSION 3.21...3.25)
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B build -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
    -DHANDGRAD_TESTS=OFF -DHANDGRAD_CHAPTERS=OFF -DHANDGRAD_BENCHMARKS=OFF -DHANDGRAD_DOCS=OFF
    -DHANDGRAD_WARNINGS_AS_ERRORS=ON ${ARGUMENTS})
message("${output}")
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
run("${CMAKE_COMMAND}" --build build --parallel ${cores})
set(scripts "${CMAKE_CURRENT_LIST_DIR}")
run("${CMAKE_COMMAND}" "-DSOURCE=${SOURCE}" "-DBUILD=${WORK}/build" "-DPREFIX=${WORK}/prefix" -P "${scripts}/prefix.cmake")
foreach(compiler IN LISTS COMPILERS)
  get_filename_component(name "${compiler}" NAME)
  foreach(build_type IN ITEMS Debug Release)
    run("${CMAKE_COMMAND}" "-DPREFIX=${WORK}/prefix" "-DWORK=${WORK}/${name}_${build_type}" "-DCOMPILER=${compiler}"
        "-DBUILD_TYPE=${build_type}" "-DGENERATOR=${GENERATOR}" -P "${scripts}/consumer.cmake")
    message("By ${name}, ${build_type}:\n${output}")
  endforeach()
endforeach()
