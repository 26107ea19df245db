# A program of a build without Thrust: it does not offer the device, and trains on the cpu.
cmake_minimum_required(VERSION 3.21...3.25)
include("${CMAKE_CURRENT_LIST_DIR}/install/run.cmake")

run("${PROGRAM}" --help)
if(NOT output MATCHES "--device cpu ")
  message(FATAL_ERROR "expected --help to offer the cpu alone:\n${output}")
endif()
run("${PROGRAM}" --do train --out no_thrust_out --save no_thrust.safetensors)
message("${output}")

set(expected 2)
run("${PROGRAM}" --device thrust)
message("${output}")
if(NOT output MATCHES "^writer: --device: [^\n]*this build has no Thrust; configure with -DHANDGRAD_THRUST_DEVICE=OMP[^\n]*\n$")
  message(FATAL_ERROR "expected one line that says how to get Thrust")
endif()
