# Which of Thrust's systems the device backend is compiled for, and with which Thrust.
#   HANDGRAD_THRUST_DEVICE  CUDA, OMP, TBB or CPP; OFF for a library without Thrust and without a device
#   THRUST_INCLUDE_DIR      folder that holds thrust/version.h; found if not given, for CUDA the toolkit's
# handgrad_kernels(NAME SYSTEM) makes the kernels for one system, handgrad_thrust_libraries() says what to link.
# handgrad_enable_cuda(): CUDA as a language, with cuBLAS. A macro, since CMake wants languages enabled in a directory.
macro(handgrad_enable_cuda)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    # This machine's GPU; without one, cards from 2018 (Turing) on.
    execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader RESULT_VARIABLE status
                    OUTPUT_VARIABLE cards ERROR_QUIET)
    if(status EQUAL 0 AND cards MATCHES "([0-9]+)\\.([0-9]+)")
      set(architectures "${CMAKE_MATCH_1}${CMAKE_MATCH_2}")
    else()
      set(architectures 75 90)
    endif()
    set(CMAKE_CUDA_ARCHITECTURES "${architectures}" CACHE STRING "GPUs to compile for, as CMake numbers them")
  endif()
  find_program(nvcc nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin)
  if(NOT CMAKE_CUDA_COMPILER AND nvcc)
    set(CMAKE_CUDA_COMPILER "${nvcc}" CACHE FILEPATH "CUDA compiler") # in the cache: chapter 10 asks, too
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  find_package(CUDAToolkit REQUIRED)
  if(NOT TARGET CUDA::cublas)
    message(FATAL_ERROR "handgrad needs cuBLAS for HANDGRAD_THRUST_DEVICE=CUDA, and CUDA ${CUDAToolkit_VERSION} in "
                        "${CUDAToolkit_LIBRARY_ROOT} has none")
  endif()
endmacro()

find_package(OpenMP QUIET COMPONENTS CXX)
set(default OMP)
if(NOT OpenMP_CXX_FOUND AND NOT DEFINED HANDGRAD_THRUST_DEVICE)
  set(default CPP)
  message(STATUS "This compiler has no OpenMP (clang on Debian: libomp-dev): the device backend runs on one thread")
endif()
set(HANDGRAD_THRUST_DEVICE ${default} CACHE STRING "Thrust's system for the device backend: CUDA, OMP, TBB or CPP; or OFF")
set(HANDGRAD_THRUST_SYSTEMS CUDA OMP TBB CPP OFF)
set_property(CACHE HANDGRAD_THRUST_DEVICE PROPERTY STRINGS ${HANDGRAD_THRUST_SYSTEMS})
if(NOT HANDGRAD_THRUST_DEVICE IN_LIST HANDGRAD_THRUST_SYSTEMS)
  message(FATAL_ERROR "handgrad needs HANDGRAD_THRUST_DEVICE to be CUDA, OMP, TBB, CPP or OFF; "
                      "it is \"${HANDGRAD_THRUST_DEVICE}\"")
endif()
if(NOT HANDGRAD_THRUST_DEVICE)
  message(STATUS "No device backend: HANDGRAD_THRUST_DEVICE is OFF")
elseif(HANDGRAD_THRUST_DEVICE STREQUAL "CUDA")
  handgrad_enable_cuda()
  find_path(THRUST_INCLUDE_DIR thrust/version.h HINTS ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES cccl NO_DEFAULT_PATH)
else()
  # The system's own before one that comes with CUDA: where nvcc is on the PATH, CMake would find that one first.
  find_path(THRUST_INCLUDE_DIR thrust/version.h PATHS /usr/include /usr/local/include NO_DEFAULT_PATH)
  find_path(THRUST_INCLUDE_DIR thrust/version.h PATH_SUFFIXES cccl include/cccl PATHS /usr/local/cuda)
endif()
if(HANDGRAD_THRUST_DEVICE)
  if(NOT EXISTS "${THRUST_INCLUDE_DIR}/thrust/version.h")
    message(FATAL_ERROR "handgrad needs Thrust (Debian: libthrust-dev); thrust/version.h was not found. "
                        "-DTHRUST_INCLUDE_DIR=... names its folder, -DHANDGRAD_THRUST_DEVICE=OFF builds without it")
  endif()
  file(STRINGS "${THRUST_INCLUDE_DIR}/thrust/version.h" version REGEX "define THRUST_VERSION [0-9]+")
  string(REGEX REPLACE "[^0-9]" "" version "${version}")
  math(EXPR major "${version} / 100000")
  math(EXPR minor "${version} / 100 % 1000")
  math(EXPR patch "${version} % 100")
  set(HANDGRAD_THRUST_VERSION "${major}.${minor}.${patch}")
  message(STATUS "Device backend: Thrust ${HANDGRAD_THRUST_VERSION} for ${HANDGRAD_THRUST_DEVICE}, ${THRUST_INCLUDE_DIR}")
endif()

# TBB without its CMake package: xtensor brings targets of the same names.
find_library(TBB_LIBRARY tbb)
find_path(TBB_INCLUDE_DIR tbb/task_arena.h)
mark_as_advanced(THRUST_INCLUDE_DIR TBB_LIBRARY TBB_INCLUDE_DIR)

# The library that the kernels call, its name and where it was here: the installed package looks for it by these, since
# another compiler may link it, on another machine.
set(HANDGRAD_RUNTIME "")
if(HANDGRAD_THRUST_DEVICE STREQUAL "OMP" AND OpenMP_CXX_LIB_NAMES)
  list(GET OpenMP_CXX_LIB_NAMES 0 HANDGRAD_RUNTIME)
  set(HANDGRAD_RUNTIME_FILE "${OpenMP_${HANDGRAD_RUNTIME}_LIBRARY}")
elseif(HANDGRAD_THRUST_DEVICE STREQUAL "TBB")
  set(HANDGRAD_RUNTIME tbb)
  set(HANDGRAD_RUNTIME_FILE "${TBB_LIBRARY}")
endif()
get_filename_component(HANDGRAD_RUNTIME_DIR "${HANDGRAD_RUNTIME_FILE}" DIRECTORY)

# handgrad_thrust_libraries(OUT SYSTEM): what kernels for SYSTEM have to be linked with.
function(handgrad_thrust_libraries out system)
  set(libraries "")
  if(system STREQUAL "CUDA")
    set(libraries CUDA::cudart_static CUDA::cublas)
  elseif(system STREQUAL "OMP")
    find_package(OpenMP QUIET COMPONENTS CXX) # what it finds is known only to the folder that asks
    if(NOT OpenMP_CXX_FOUND)
      message(FATAL_ERROR "handgrad needs OpenMP for HANDGRAD_THRUST_DEVICE=OMP, and ${CMAKE_CXX_COMPILER} has none "
                          "(clang on Debian: libomp-dev); TBB, CPP or OFF do without")
    endif()
    set(libraries ${OpenMP_CXX_LIBRARIES})
  elseif(system STREQUAL "TBB")
    if(NOT TBB_LIBRARY OR NOT TBB_INCLUDE_DIR)
      message(FATAL_ERROR "handgrad needs TBB for HANDGRAD_THRUST_DEVICE=TBB, and CMake did not find it (Debian: "
                          "libtbb-dev); OMP, CPP or OFF do without")
    endif()
    set(libraries ${TBB_LIBRARY})
  endif()
  set(${out} ${libraries} PARENT_SCOPE)
endfunction()

# The files that include Thrust, by device/run.hpp.
file(GLOB HANDGRAD_KERNEL_SOURCES CONFIGURE_DEPENDS "${HANDGRAD_LIB_DIR}/handgrad/ops/*/device.cpp")
foreach(name IN ITEMS gather memory system)
  list(APPEND HANDGRAD_KERNEL_SOURCES "${HANDGRAD_LIB_DIR}/handgrad/device/${name}.cpp")
endforeach()
set(HANDGRAD_KERNEL_SOURCES "${HANDGRAD_KERNEL_SOURCES}" CACHE INTERNAL "")

# handgrad_kernels(NAME SYSTEM): the object library NAME with all kernels for SYSTEM; for OFF, functions that say so.
function(handgrad_kernels name system)
  set(sources ${HANDGRAD_KERNEL_SOURCES})
  add_library(${name} OBJECT ${sources})
  if(system STREQUAL "CUDA")
    set_source_files_properties(${sources} TARGET_DIRECTORY ${name} PROPERTIES LANGUAGE CUDA)
  endif()
  target_compile_features(${name} PRIVATE cxx_std_17)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${name} PRIVATE "${HANDGRAD_LIB_DIR}")
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang>:-ffp-contract=off>)
  handgrad_compile_options(${name})
  if(HANDGRAD_SANITIZE MATCHES "undefined")
    # Thrust chooses a system's functions by references to nothing (thrust/detail/reference.h says so).
    target_compile_options(${name} PRIVATE -fno-sanitize=null)
  endif()
  target_compile_definitions(${name} PRIVATE HANDGRAD_THRUST_${system})
  if(NOT system)
    return()
  endif()
  target_compile_definitions(${name} PRIVATE
    THRUST_HOST_SYSTEM=THRUST_HOST_SYSTEM_CPP THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_${system})
  if(system STREQUAL "OMP")
    target_compile_options(${name} PRIVATE ${OpenMP_CXX_FLAGS})
  endif()
  if(NOT system STREQUAL "CUDA") # nvcc knows its own
    target_include_directories(${name} SYSTEM PRIVATE "${THRUST_INCLUDE_DIR}")
  endif()
  if(system STREQUAL "TBB")
    target_include_directories(${name} SYSTEM PRIVATE "${TBB_INCLUDE_DIR}")
  endif()
endfunction()
