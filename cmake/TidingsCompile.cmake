# Settings for everything compiled here. They belong to this directory, not to a target, so that none of them
# reaches a project that links the installed library.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

include_directories("${PROJECT_SOURCE_DIR}/src")
# Asio and Beast are compiled once, in src/net/asio_impl.cpp.
add_compile_definitions(
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    BOOST_ASIO_NO_DEPRECATED
    TIDINGS_VERSION="${PROJECT_VERSION}")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wvla)
if(TIDINGS_WERROR)
    add_compile_options(-Werror)
endif()

if(TIDINGS_SANITIZE)
    add_compile_options(-fsanitize=${TIDINGS_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${TIDINGS_SANITIZE})
endif()
if(TIDINGS_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(TIDINGS_CCACHE ccache)
if(TIDINGS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${TIDINGS_CCACHE}")
endif()

# lld comes with clang 19 and knows its sanitizers; mold is the fastest with g++.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(tidings_linker lld)
else()
    set(tidings_linker mold)
endif()
include(CheckLinkerFlag)
check_linker_flag(CXX "-fuse-ld=${tidings_linker}" TIDINGS_HAS_FAST_LINKER)
if(TIDINGS_HAS_FAST_LINKER)
    add_link_options(-fuse-ld=${tidings_linker})
endif()
