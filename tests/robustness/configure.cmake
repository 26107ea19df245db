# What CMake says to wrong values, and where something is missing or too old: one line that names what is needed and
# what was found. All cases are configured in one folder, so that the compiler is looked at once.
#   cmake -DSOURCE=<source tree> -DWORK=<folder> -DGENERATOR=<generator> -P configure.cmake
cmake_minimum_required(VERSION 3.21...3.25)
set(failed "")

# configure(STATUS TEXT ARGUMENT...): CMake ends with STATUS, 0 or 1, and has said TEXT.
function(configure expected text)
  set(before -U HANDGRAD_* -U CMAKE_BUILD_TYPE -U CMAKE_DISABLE_* -U xtensor_* -U THRUST_*) # what earlier cases set
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/build" -G "${GENERATOR}" ${before}
                          -DHANDGRAD_TESTS=OFF -DHANDGRAD_CHAPTERS=OFF -DHANDGRAD_BENCHMARKS=OFF
                          -DHANDGRAD_DOCS=OFF ${ARGN}
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " words "${output}") # as long a line as it may be, CMake breaks it
  string(FIND "${words}" "${text}" place)
  if(NOT status EQUAL expected OR place EQUAL -1)
    list(JOIN ARGN " " arguments)
    message("cmake ${arguments}\nended with ${status}, expected ${expected} and in what it says: ${text}\n${output}")
    set(failed "${failed} [${arguments}]" PARENT_SCOPE)
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}/old_xtensor")
file(WRITE "${WORK}/old_xtensor/xtensorConfig.cmake" "")
file(WRITE "${WORK}/old_xtensor/xtensorConfigVersion.cmake" "set(PACKAGE_VERSION 0.23.10)\n")

configure(1 "handgrad needs HANDGRAD_THRUST_DEVICE to be CUDA, OMP, TBB, CPP or OFF; it is \"FOO\""
          -DHANDGRAD_THRUST_DEVICE=FOO)
configure(1 "it is \"omp\"" -DHANDGRAD_THRUST_DEVICE=omp)
configure(1 "handgrad needs CMAKE_BUILD_TYPE to be Release, Debug, RelWithDebInfo, MinSizeRel, or None for no flags but \
yours; it is \"Fast\"" -DCMAKE_BUILD_TYPE=Fast)
configure(1 "handgrad needs HANDGRAD_SANITIZE to be what" -DHANDGRAD_SANITIZE=adress)
configure(1 "handgrad needs, and CMake did not find: xsimd, fmt" -DCMAKE_DISABLE_FIND_PACKAGE_xsimd=ON
          -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON)
configure(1 "handgrad needs, and CMake did not find: xtensor 0.24 or later (0.23.10 was found)"
          "-Dxtensor_DIR=${WORK}/old_xtensor")
configure(1 "handgrad needs Thrust (Debian: libthrust-dev); thrust/version.h was not found."
          -DTHRUST_INCLUDE_DIR=/nowhere)
configure(1 "handgrad needs OpenMP for HANDGRAD_THRUST_DEVICE=OMP, and" -DHANDGRAD_THRUST_DEVICE=OMP
          -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON)
configure(1 "handgrad needs Catch2 2.13 or 3 for its tests" -DHANDGRAD_TESTS=ON -DCMAKE_DISABLE_FIND_PACKAGE_Catch2=ON)
# What does without: without OpenMP one thread, unless another system was asked for; with OFF no Thrust at all.
configure(0 "This compiler has no OpenMP (clang on Debian: libomp-dev): the device backend runs on one thread"
          -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON)
configure(0 "No device backend" -DHANDGRAD_THRUST_DEVICE=OFF -DTHRUST_INCLUDE_DIR=/nowhere
          -DCMAKE_DISABLE_FIND_PACKAGE_OpenMP=ON)

# Another compiler: CMake is told what it is, and believes it.
foreach(compiler IN ITEMS "GNU 10.2.1" "GNU 11.4.0" "Clang 13.0.1")
  string(REPLACE " " ";" id_version "${compiler}")
  list(GET id_version 0 id)
  list(GET id_version 1 version)
  file(REMOVE_RECURSE "${WORK}/build")
  file(WRITE "${WORK}/compiler.cmake" "set(CMAKE_CXX_COMPILER_ID_RUN 1)\nset(CMAKE_CXX_COMPILER_ID ${id})\n\
set(CMAKE_CXX_COMPILER_VERSION ${version})\nset(CMAKE_CXX_COMPILER_FORCED ON)\n")
  configure(1 " is ${compiler}. CXX=g++-12 in the environment chooses another one"
            "-DCMAKE_TOOLCHAIN_FILE=${WORK}/compiler.cmake")
endforeach()

if(failed)
  message(FATAL_ERROR "not as expected:${failed}")
endif()
