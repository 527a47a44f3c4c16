# ---- instructions of fixed workloads, counted by bench/check_instructions.py
file(GLOB tidings_instructions_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/instructions/*.cpp")
if(tidings_instructions_sources AND tidings_shell_sources)
    add_executable(tidings_instructions EXCLUDE_FROM_ALL ${tidings_instructions_sources})
    target_include_directories(tidings_instructions PRIVATE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(tidings_instructions PRIVATE tidings ${tidings_private_libraries})
endif()

# The load generator and the floors that servers are measured against. bench/floor/<name>.cpp is a program of its own.
add_executable(tidings_load "${PROJECT_SOURCE_DIR}/bench/load/main.cpp")
target_link_libraries(tidings_load PRIVATE tidings ${tidings_private_libraries})
