# tidings_pure: the folders without sockets, threads or clocks, as objects.
# tidings:      the library.   tidings_cli: the binary `tidings`.

set(tidings_public_libraries Boost::headers)
set(tidings_private_libraries
    Boost::json Boost::url OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB fmt::fmt simdjson::simdjson
    tomlplusplus::tomlplusplus PkgConfig::tidings_lmdb PkgConfig::tidings_prometheus
    PkgConfig::tidings_hiredis Threads::Threads)

option(TIDINGS_IO_URING "Send through io_uring where the kernel offers it (needs liburing)" ON)
set(tidings_uses_liburing OFF)
if(TIDINGS_IO_URING AND TARGET PkgConfig::tidings_liburing)
    set(tidings_uses_liburing ON)
    list(APPEND tidings_private_libraries PkgConfig::tidings_liburing)
    set_source_files_properties("${PROJECT_SOURCE_DIR}/src/net/uring_sends.cpp" PROPERTIES
                                COMPILE_DEFINITIONS TIDINGS_IO_URING)
endif()

add_library(tidings_asio OBJECT "${PROJECT_SOURCE_DIR}/src/net/asio_impl.cpp")
target_link_libraries(tidings_asio PUBLIC Boost::headers OpenSSL::SSL Threads::Threads)

add_library(tidings_pure OBJECT ${tidings_pure_sources})
target_include_directories(tidings_pure PUBLIC "${PROJECT_SOURCE_DIR}/include")
target_link_libraries(tidings_pure PUBLIC ${tidings_public_libraries} ${tidings_private_libraries})

add_library(tidings STATIC ${tidings_shell_sources} $<TARGET_OBJECTS:tidings_pure>
            $<TARGET_OBJECTS:tidings_asio>)
add_library(tidings::tidings ALIAS tidings)
target_include_directories(tidings PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                           "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_compile_features(tidings PUBLIC cxx_std_20)
target_link_libraries(tidings PUBLIC ${tidings_public_libraries} PRIVATE ${tidings_private_libraries})

if(tidings_app_sources)
    find_package(CLI11 REQUIRED)
    find_package(spdlog REQUIRED)
    add_library(tidings_app OBJECT ${tidings_app_sources})
    target_include_directories(tidings_app PUBLIC "${PROJECT_SOURCE_DIR}/app")
    target_link_libraries(tidings_app PUBLIC tidings ${tidings_private_libraries} CLI11::CLI11
                          spdlog::spdlog)
endif()

if(tidings_main_source)
    add_executable(tidings_cli ${tidings_main_source})
    set_target_properties(tidings_cli PROPERTIES OUTPUT_NAME tidings)
    target_link_libraries(tidings_cli PRIVATE tidings ${tidings_private_libraries})
    if(TARGET tidings_app)
        target_link_libraries(tidings_cli PRIVATE tidings_app)
    endif()
endif()
