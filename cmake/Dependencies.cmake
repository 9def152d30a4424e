# Every third-party library, found once, as one imported target each. Modules name these targets in LINKS, never a file or a flag.

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)

# Boost is used header-only (Asio, Beast's HTTP parser, JSON); 1.81 is the first with what we use (as_tuple, JSON by default).
find_package(Boost 1.81 REQUIRED)
add_library(boost_headers INTERFACE)
target_include_directories(boost_headers SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(boost_headers INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_JSON_NO_LIB BOOST_ALL_NO_LIB)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 inlines one half of the pair that Asio allocates and frees coroutine frames with, and takes them for strangers.
  target_compile_options(boost_headers INTERFACE -Wno-mismatched-new-delete)
endif()
if(FAIRLEAD_SANITIZE MATCHES "thread")
  target_compile_definitions(boost_headers INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()

# fmt: headers only; text/format.cpp instantiates the non-template part, so the binary does not need libfmt.
find_path(FMT_INCLUDE_DIR fmt/core.h REQUIRED)
add_library(fmt_headers INTERFACE)
target_include_directories(fmt_headers SYSTEM INTERFACE ${FMT_INCLUDE_DIR})

find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)

# Only the data model and the text form; the package's own configuration would ask for libcurl too.
find_library(PROMETHEUS_CORE_LIBRARY prometheus-cpp-core REQUIRED)
find_path(PROMETHEUS_INCLUDE_DIR prometheus/text_serializer.h REQUIRED)
add_library(prometheus_core INTERFACE)
target_include_directories(prometheus_core SYSTEM INTERFACE ${PROMETHEUS_INCLUDE_DIR})
target_link_libraries(prometheus_core INTERFACE ${PROMETHEUS_CORE_LIBRARY})

if(FAIRLEAD_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()
