# The script that PROGRAM's --help names can be run; the one in PREFIX, too.
cmake_minimum_required(VERSION 3.21...3.25)
set(WORK "${CMAKE_CURRENT_LIST_DIR}")
include("${CMAKE_CURRENT_LIST_DIR}/run.cmake")

run("${PROGRAM}" --help)
if(NOT output MATCHES "[( ]([^ (\n]*export_torch[.]py)")
  message(FATAL_ERROR "--help names no export_torch.py:\n${output}")
endif()
set(expected 2) # it wants to be told of files
foreach(script IN ITEMS "${CMAKE_MATCH_1}" "${PREFIX}/share/handgrad/tools/export_torch.py")
  if(NOT EXISTS "${script}")
    message(FATAL_ERROR "there is no ${script}")
  endif()
  run("${PYTHON}" "${script}")
  message("${script}: ${output}")
endforeach()
