# handgrad_chapter(TITLE "..." [OPTIMISED] [BUILDS_ON <chapter>...] [TOLERANCE <relative>] [TEST_ARGS <argument>...]
#                  [QUICK_ARGS <argument>...] [FILES <file>...] [PAGES "<title>: <file>..." ...])
#
# Makes the program of a chapter's directory, named as the directory, out of its .cpp files. TITLE is the line that the
# `run` script shows, BUILDS_ON names the chapters that the reader should know first. The test of the chapter runs the
# program with TEST_ARGS and compares what it prints with expected/output.txt: text exactly, numbers within TOLERANCE.
# A chapter is compiled with -O1, which takes half of the time: the work is done in the library. One whose own loops do
# work that counts, because it measures their time, is OPTIMISED as the build type says.
# Under sanitizers, where a chapter that trains for seconds would take minutes, it runs with QUICK_ARGS and compares with
# expected/quick.txt.
# FILES are those that the book shows first, in this order; without it model.hpp and main.cpp. The others come by name.
# PAGES divides a long program into several pages of the book, each with a title and files, in order; without it there is
# one page. A page whose title begins with "appendix" comes after the exercises.
# If there is exercises/check.cpp, its programs are made, too (handgrad_exercises).
function(handgrad_chapter)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "OPTIMISED" "TITLE;TOLERANCE" "BUILDS_ON;TEST_ARGS;QUICK_ARGS;FILES;PAGES")
  if(NOT ARG_TITLE OR DEFINED ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "handgrad_chapter(TITLE <text> [OPTIMISED] [BUILDS_ON ...] [TOLERANCE <x>] [TEST_ARGS ...] "
                        "[QUICK_ARGS ...] [FILES ...] [PAGES ...]): got TITLE \"${ARG_TITLE}\" and unknown \"${ARG_UNPARSED_ARGUMENTS}\"")
  endif()
  list(TRANSFORM ARG_PAGES REPLACE "[ \n]+" " ") # a long list of files may be written on several lines
  if(NOT DEFINED ARG_TOLERANCE)
    set(ARG_TOLERANCE 1e-6)
  endif()

  get_filename_component(name "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE handgrad::handgrad)
  set_target_properties(${name} PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF
    HANDGRAD_TITLE "${ARG_TITLE}" HANDGRAD_BUILDS_ON "${ARG_BUILDS_ON}" HANDGRAD_TOLERANCE "${ARG_TOLERANCE}"
    HANDGRAD_TEST_ARGS "${ARG_TEST_ARGS}" HANDGRAD_QUICK_ARGS "${ARG_QUICK_ARGS}" HANDGRAD_FILES "${ARG_FILES}"
    HANDGRAD_PAGES "${ARG_PAGES}")
  set_property(GLOBAL APPEND PROPERTY HANDGRAD_CHAPTERS ${name})
  if(COMMAND handgrad_compile_options) # inside the source tree
    handgrad_compile_options(${name})
  endif()
  if(NOT ARG_OPTIMISED)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/exercises/check.cpp")
    handgrad_exercises(${name})
  endif()
endfunction()

# handgrad_check_program(TARGET FOLDER...): a program that marks exercises. It is compiled from exercises/check.cpp with
# the functions in these folders; the first that has a file counts.
function(handgrad_check_program target)
  add_executable(${target} "${CMAKE_CURRENT_SOURCE_DIR}/exercises/check.cpp")
  target_link_libraries(${target} PRIVATE handgrad::handgrad)
  target_include_directories(${target} PRIVATE ${ARGN} "${CMAKE_CURRENT_SOURCE_DIR}")
  # An index out of range is an error with a message, and not a crash or a wrong number.
  target_compile_definitions(${target} PRIVATE XTENSOR_ENABLE_ASSERT)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF)
  if(COMMAND handgrad_compile_options)
    handgrad_compile_options(${target})
  endif()
  target_compile_options(${target} PRIVATE -Wno-unused-parameter) # a stub uses none of them yet
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>) # it runs for a moment: let it compile fast
endfunction()

# handgrad_exercises(NAME): the programs that mark a chapter's exercises, out of its exercises/check.cpp. check_NAME is
# compiled with the stubs in exercises/, which the reader edits, check_NAME_solutions with exercises/solutions/.
# For each exercise check_NAME_FILE takes one file from exercises/ and the others from solutions/, so that an error in one
# file, at compile time or at run time, leaves the other exercises alone. lib/tools/mark.py builds and runs those.
function(handgrad_exercises name)
  set(dir "${CMAKE_CURRENT_SOURCE_DIR}/exercises")
  handgrad_check_program(check_${name} "${dir}")
  handgrad_check_program(check_${name}_solutions "${dir}/solutions" "${dir}")
  # Half an answer that does not compile yet must not stop the build of everything else.
  if(NOT HANDGRAD_TEST_STUBS)
    set_target_properties(check_${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
  if(NOT HANDGRAD_TESTS)
    set_target_properties(check_${name}_solutions PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()

  file(GLOB solutions CONFIGURE_DEPENDS RELATIVE "${dir}/solutions" "${dir}/solutions/*.hpp")
  foreach(file IN LISTS solutions)
    get_filename_component(stem "${file}" NAME_WE)
    set(target check_${name}_${stem})
    # A link, so that "..." in the reader's file finds other exercises' files in solutions/, as check.cpp does.
    set(only "${CMAKE_CURRENT_BINARY_DIR}/exercises/${stem}")
    file(MAKE_DIRECTORY "${only}")
    file(CREATE_LINK "${dir}/${file}" "${only}/${file}" SYMBOLIC)
    handgrad_check_program(${target} "${only}" "${dir}/solutions" "${dir}")
    set(launcher sh "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/keep_diagnostics.sh" "${CMAKE_CURRENT_BINARY_DIR}/${target}"
        ${CMAKE_CXX_COMPILER_LAUNCHER})
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON CXX_COMPILER_LAUNCHER "${launcher}")
  endforeach()
endfunction()

# handgrad_register_chapter_tests(COMPARER): for every chapter the test chapter.<name>, the target record_<name> that
# writes its expected/output.txt and quick.txt anew, and the tests of its exercises. COMPARER is the target of the program
# that compares two outputs.
function(handgrad_register_chapter_tests comparer)
  get_property(chapters GLOBAL PROPERTY HANDGRAD_CHAPTERS)
  foreach(name IN LISTS chapters)
    get_target_property(dir ${name} SOURCE_DIR)
    get_target_property(work ${name} BINARY_DIR)
    get_target_property(builds_on ${name} HANDGRAD_BUILDS_ON)
    get_target_property(tolerance ${name} HANDGRAD_TOLERANCE)
    get_target_property(args ${name} HANDGRAD_TEST_ARGS)
    get_target_property(quick_args ${name} HANDGRAD_QUICK_ARGS)

    set(run "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:${name}>" "-DWORK=${work}" "-DCHAPTER=${dir}")
    set(script -P "${PROJECT_SOURCE_DIR}/lib/cmake/RunChapter.cmake" --)
    set(tested ${script} ${args})
    set(record COMMAND ${run} -DRECORD=ON ${tested})
    if(quick_args)
      set(quick -DEXPECTED=quick.txt ${script} ${quick_args})
      list(PREPEND record COMMAND ${run} -DRECORD=ON ${quick})
      if(HANDGRAD_SANITIZE)
        set(tested ${quick})
      endif()
    endif()
    add_test(NAME chapter.${name} COMMAND ${run} "-DCOMPARER=$<TARGET_FILE:${comparer}>" "-DTOLERANCE=${tolerance}"
                                          "-DBUILDS_ON=${builds_on}" ${tested})
    set_tests_properties(chapter.${name} PROPERTIES LABELS chapter COST 100)
    if(NOT HANDGRAD_SANITIZE)
      # The program uses all cores: beside another test, both would only get slower. What sanitizers add is for one core.
      set_tests_properties(chapter.${name} PROPERTIES RUN_SERIAL ON)
    endif()
    add_custom_target(record_${name} ${record} DEPENDS ${name} VERBATIM)

    # The solutions of its exercises are right, and every stub is wrong; the latter only where it is asked for, since
    # readers are welcome to solve them.
    if(TARGET check_${name})
      add_test(NAME exercises.${name}.solutions COMMAND check_${name}_solutions)
      set_tests_properties(exercises.${name}.solutions PROPERTIES LABELS exercise)
      if(HANDGRAD_TEST_STUBS)
        add_test(NAME exercises.${name}.stubs COMMAND check_${name} --expect-all-fail)
        set_tests_properties(exercises.${name}.stubs PROPERTIES LABELS exercise)
      endif()
    endif()
  endforeach()
endfunction()
