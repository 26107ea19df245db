# CBLAS::CBLAS, found as OpenBLAS where it can be and checked by linking a call to cblas_dgemm.
# CBLAS_IS_OPENBLAS tells whether openblas_set_num_threads is there: without it BLAS may start threads of its own
# inside ours, and results could depend on their number.
include(CheckCXXSourceCompiles)
include(FindPackageHandleStandardArgs)

find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas openblas-pthread)
find_library(CBLAS_LIBRARY NAMES openblas cblas blas)
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY)

if(CBLAS_INCLUDE_DIR AND CBLAS_LIBRARY)
  set(CMAKE_REQUIRED_INCLUDES "${CBLAS_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES "${CBLAS_LIBRARY}")
  check_cxx_source_compiles("#include <cblas.h>
    int main() { double a = 2, b = 3, c = 0;
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1.0, &a, 1, &b, 1, 0.0, &c, 1); return c != 6; }"
    CBLAS_LINKS)
  check_cxx_source_compiles("#include <cblas.h>
    int main() { openblas_set_num_threads(1); return openblas_get_config() == nullptr; }" CBLAS_IS_OPENBLAS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()

find_package_handle_standard_args(CBLAS REQUIRED_VARS CBLAS_LIBRARY CBLAS_INCLUDE_DIR CBLAS_LINKS CBLAS_IS_OPENBLAS
  REASON_FAILURE_MESSAGE "handgrad needs OpenBLAS with its CBLAS header (Debian: libopenblas-dev)")
if(CBLAS_FOUND AND NOT TARGET CBLAS::CBLAS)
  add_library(CBLAS::CBLAS UNKNOWN IMPORTED)
  set_target_properties(CBLAS::CBLAS PROPERTIES
    IMPORTED_LOCATION "${CBLAS_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${CBLAS_INCLUDE_DIR}")
endif()
