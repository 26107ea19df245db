# handgrad_compile_options(TARGET): the flags of every target of this build.
# Warnings are ours alone (PRIVATE). Whatever changes what inline functions compile to (the processor, sanitizers) must
# be the same in all that is linked together, so it is PUBLIC and reaches users of an installed library as well.
# GCC 12 takes the deliberately undefined registers in its own AVX-512 headers for mistakes (GCC bug 105593): its
# -Wuninitialized is off; clang has it on.
function(handgrad_compile_options target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  set(warnings -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")
  if(HANDGRAD_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>
                                             $<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings>)
  endif()
  if(HANDGRAD_NATIVE)
    target_compile_options(${target} PUBLIC $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
  endif()
  if(HANDGRAD_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${HANDGRAD_SANITIZE} -fno-omit-frame-pointer
                                            -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${HANDGRAD_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      target_compile_options(${target} PUBLIC "-fsanitize-ignorelist=${HANDGRAD_LIB_DIR}/cmake/sanitize.ignore")
    endif()
  endif()
endfunction()

if(HANDGRAD_SANITIZE)
  include(CheckCXXSourceCompiles)
  string(MAKE_C_IDENTIFIER "HANDGRAD_SANITIZE_${HANDGRAD_SANITIZE}" works)
  set(CMAKE_REQUIRED_FLAGS "-fsanitize=${HANDGRAD_SANITIZE}")
  check_cxx_source_compiles("int main() {}" ${works})
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT ${works})
    message(FATAL_ERROR "handgrad needs HANDGRAD_SANITIZE to be what ${CMAKE_CXX_COMPILER} takes for -fsanitize= and has a "
                        "library for (clang on Debian: libclang-rt-dev); it is \"${HANDGRAD_SANITIZE}\"")
  endif()
endif()
