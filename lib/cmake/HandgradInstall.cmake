# cmake --install puts down the library, its headers, data, tools and the CMake package that find_package(handgrad) reads.
# The folder may be moved afterwards.
# From the source tree itself, add_subdirectory() gives the same target under the same name.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(HANDGRAD_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/handgrad")
set(HANDGRAD_INSTALL_DATADIR "${CMAKE_INSTALL_DATADIR}/handgrad/data")
set(HANDGRAD_INSTALL_TOOLSDIR "${CMAKE_INSTALL_DATADIR}/handgrad/tools")

install(TARGETS handgrad EXPORT handgradTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/lib/handgrad" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/data/" DESTINATION "${HANDGRAD_INSTALL_DATADIR}")
install(PROGRAMS "${PROJECT_SOURCE_DIR}/lib/tools/export_torch.py" DESTINATION "${HANDGRAD_INSTALL_TOOLSDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/handgrad")
install(EXPORT handgradTargets NAMESPACE handgrad:: DESTINATION "${HANDGRAD_INSTALL_CMAKEDIR}")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/handgradConfig.cmake.in" handgradConfig.cmake
  INSTALL_DESTINATION "${HANDGRAD_INSTALL_CMAKEDIR}" PATH_VARS HANDGRAD_INSTALL_DATADIR HANDGRAD_INSTALL_TOOLSDIR)
# Before version 1.0 a new minor version may change the interface.
write_basic_package_version_file(handgradConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/handgradConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/handgradConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindCBLAS.cmake" "${CMAKE_CURRENT_LIST_DIR}/FindPCRE2.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/HandgradDependencies.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/HandgradChapter.cmake" "${CMAKE_CURRENT_LIST_DIR}/keep_diagnostics.sh"
        DESTINATION "${HANDGRAD_INSTALL_CMAKEDIR}")
