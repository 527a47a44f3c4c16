# What the library links. Included by the build and, installed beside it, by tidingsConfig.cmake, so that both
# look for the same things.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(simdjson REQUIRED)
find_package(tomlplusplus REQUIRED)
# Debian's prometheus-cpp CMake package asks for libcurl and civetweb, which its core does not use.
find_package(PkgConfig REQUIRED)
pkg_check_modules(tidings_lmdb REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(tidings_prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(tidings_hiredis REQUIRED IMPORTED_TARGET hiredis)
# Optional: without it every write is a system call of its own.
pkg_check_modules(tidings_liburing IMPORTED_TARGET liburing>=2.3)
