# What the library is built on, for this build and (it is a static library) for everybody who links an installed one.
# All of it is looked for before anything is said, so that one message names all that is missing.
# xtensor comes first: were TBB found before it (by Thrust, say), the two would define the same TBB targets.
macro(handgrad_find_dependencies missing)
  set(${missing} "")
  foreach(package IN ITEMS xtensor xtensor-blas xsimd CBLAS fmt CLI11 nlohmann_json ZLIB PNG Threads)
    find_package(${package} QUIET)
    if(NOT ${package}_FOUND)
      list(APPEND ${missing} ${package})
    endif()
  endforeach()
  if(xtensor_FOUND AND xtensor_VERSION VERSION_LESS 0.24)
    list(APPEND ${missing} "xtensor 0.24 or later (${xtensor_VERSION} was found)")
  endif()
  string(REPLACE ";" ", " ${missing} "${${missing}}")
endmacro()
