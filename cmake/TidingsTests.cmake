# pure_tests, shell_tests and live_tests. A binary exists as soon as it has a source.
find_package(GTest QUIET)
if(NOT GTest_FOUND)
    message(STATUS "GoogleTest not found: no tests (run tools/setup test)")
    return()
endif()

enable_testing()
file(GLOB tidings_live_tests CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/test/live/*.cpp")
set(tidings_test_environment "TIDINGS_SOURCE_DIR=${PROJECT_SOURCE_DIR}"
    "TIDINGS_BIN=${PROJECT_BINARY_DIR}/tidings")

function(tidings_test_binary name)
    add_executable(${name} ${ARGN})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/test")
    target_link_libraries(${name} PRIVATE ${tidings_private_libraries} GTest::gmock_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${tidings_test_environment}" TIMEOUT 900)
endfunction()

if(tidings_pure_tests)
    tidings_test_binary(pure_tests ${tidings_pure_tests})
    target_link_libraries(pure_tests PRIVATE tidings_pure tidings_asio)
endif()

if(tidings_shell_tests OR tidings_app_tests)
    tidings_test_binary(shell_tests ${tidings_shell_tests} ${tidings_app_tests})
    target_link_libraries(shell_tests PRIVATE tidings)
    if(TARGET tidings_app)
        target_link_libraries(shell_tests PRIVATE tidings_app)
    endif()
endif()

if(tidings_live_tests AND TARGET tidings_cli)
    tidings_test_binary(live_tests ${tidings_live_tests})
    target_link_libraries(live_tests PRIVATE tidings)
    add_dependencies(live_tests tidings_cli)
endif()

# The hub with one rule broken on purpose, for the chaos checker's own test. Its broker takes the place of the
# library's.
if(tidings_main_source AND TARGET tidings_app)
    add_executable(tidings_broken ${tidings_main_source} "${PROJECT_SOURCE_DIR}/test/chaos/broken_broker.cpp")
    target_link_libraries(tidings_broken PRIVATE tidings tidings_app ${tidings_private_libraries})
endif()
