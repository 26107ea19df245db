# run(COMMAND...): runs it in WORK; what it printed is in `output`. Another exit status than `expected` is the test's end.
set(expected 0)
function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT status EQUAL expected)
    list(JOIN ARGV " " command)
    message("${output}")
    message(FATAL_ERROR "${command}\nended with ${status}, expected ${expected}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()
unset(ENV{HANDGRAD_DATA}) # the data is the package's
