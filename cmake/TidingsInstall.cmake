# cmake --install gives a tree in which find_package(tidings) works.
include(CMakePackageConfigHelpers)
set(tidings_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tidings")

install(TARGETS tidings EXPORT tidingsTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT tidingsTargets NAMESPACE tidings:: DESTINATION "${tidings_cmake_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tidings" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/registry/" DESTINATION "${CMAKE_INSTALL_DATADIR}/tidings/registry"
        FILES_MATCHING PATTERN "*.toml")
if(TARGET tidings_cli)
    install(TARGETS tidings_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/tidingsConfig.cmake.in" tidingsConfig.cmake
                              INSTALL_DESTINATION "${tidings_cmake_dir}")
write_basic_package_version_file(tidingsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/tidingsConfig.cmake" "${PROJECT_BINARY_DIR}/tidingsConfigVersion.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/TidingsDependencies.cmake" DESTINATION "${tidings_cmake_dir}")
