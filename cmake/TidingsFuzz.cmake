# fuzz/<name>_fuzz.cpp becomes the target <name>_fuzz; its corpus is fuzz/corpus/<name>/.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TIDINGS_FUZZ needs clang: cmake --preset asan")
endif()

file(GLOB tidings_fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.cpp")
# These read what app/ reads; the others do without its libraries.
set(tidings_fuzz_of_app config_fuzz)
add_custom_target(fuzz_targets)
foreach(source IN LISTS tidings_fuzz_sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE tidings ${tidings_private_libraries})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    if(name IN_LIST tidings_fuzz_of_app AND TARGET tidings_app)
        target_link_libraries(${name} PRIVATE tidings_app)
    endif()
    add_dependencies(fuzz_targets ${name})
endforeach()
