# Installs what BUILD has built, and moves it to PREFIX: nothing in it may depend on where it was built or installed.
cmake_minimum_required(VERSION 3.21...3.25)
get_filename_component(WORK "${PREFIX}" DIRECTORY)
file(MAKE_DIRECTORY "${WORK}")
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

file(REMOVE_RECURSE "${PREFIX}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}.installed")
file(RENAME "${PREFIX}.installed" "${PREFIX}")

file(GLOB_RECURSE files "${PREFIX}/lib*/*.cmake")
if(NOT files)
  message(FATAL_ERROR "there is no CMake package in ${PREFIX}")
endif()
foreach(file IN LISTS files)
  file(STRINGS "${file}" lines)
  foreach(line IN LISTS lines)
    foreach(place IN ITEMS "${PREFIX}.installed" "${SOURCE}" "libgomp[.]" "libomp[.]" "libtbb[.]")
      if(line MATCHES "${place}" AND NOT line MATCHES "fsanitize-ignorelist") # a sanitized library is not for others
        message(FATAL_ERROR "${file} names ${place}, which may be elsewhere:\n${line}")
      endif()
    endforeach()
  endforeach()
endforeach()
