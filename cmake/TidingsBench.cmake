# ---- instructions of fixed workloads, counted by bench/check_instructions.py
file(GLOB tidings_instructions_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/instructions/*.cpp")
if(tidings_instructions_sources AND tidings_shell_sources)
    add_executable(tidings_instructions ${tidings_instructions_sources})
    target_include_directories(tidings_instructions PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(tidings_instructions PRIVATE tidings ${tidings_private_libraries})
endif()

# A fan-out of a fixed size, for counting system calls and the CPU of both send paths.
add_executable(tidings_fan_out "${PROJECT_SOURCE_DIR}/bench/fixed/fan_out.cpp")
target_link_libraries(tidings_fan_out PRIVATE tidings ${tidings_private_libraries})

# The load generator and the floors that servers are measured against. bench/floor/<name>.cpp is a program of its own.
add_executable(tidings_load "${PROJECT_SOURCE_DIR}/bench/load/main.cpp")
target_link_libraries(tidings_load PRIVATE tidings ${tidings_private_libraries})

pkg_check_modules(tidings_uring IMPORTED_TARGET liburing)
file(GLOB tidings_floor_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/floor/*.cpp")
foreach(source IN LISTS tidings_floor_sources)
    get_filename_component(name "${source}" NAME_WE)
    if(name STREQUAL "floor_uring" AND NOT tidings_uring_FOUND)
        message(STATUS "liburing not found: no ${name} (run tools/setup build)")
        continue()
    endif()
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE tidings)
    if(name STREQUAL "floor_uring")
        target_link_libraries(${name} PRIVATE PkgConfig::tidings_uring)
    endif()
endforeach()
