# Warnings, hardening, sanitizers, linker and compiler cache: everything that concerns how we compile, not what.

add_library(fairlead_flags INTERFACE)

target_compile_options(fairlead_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 -Wimplicit-fallthrough -Wnon-virtual-dtor
  -Woverloaded-virtual -Wold-style-cast -Wcast-align -Wundef -Werror -Werror=format-security)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports moves of std::expected and std::optional that it did not see through as uninitialised (GCC PR 105562 and
  # kin); clang 19, valgrind and the sanitizers watch for the real thing.
  target_compile_options(fairlead_flags INTERFACE -Wno-maybe-uninitialized)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
  target_compile_definitions(fairlead_flags INTERFACE NDEBUG _GLIBCXX_ASSERTIONS)
  target_compile_options(fairlead_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(fairlead_flags INTERFACE -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr)
  endif()
  target_link_options(fairlead_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
  target_compile_definitions(fairlead_flags INTERFACE _GLIBCXX_ASSERTIONS)
endif()

if(FAIRLEAD_SANITIZE)
  target_compile_options(fairlead_flags INTERFACE
    -fsanitize=${FAIRLEAD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(fairlead_flags INTERFACE -fsanitize=${FAIRLEAD_SANITIZE})
endif()
if(FAIRLEAD_FUZZ)
  target_compile_options(fairlead_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(FAIRLEAD_CCACHE ccache)
if(FAIRLEAD_CCACHE AND NOT CMAKE_CXX_CLANG_TIDY AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FAIRLEAD_CCACHE})
endif()
find_program(FAIRLEAD_MOLD mold)
if(FAIRLEAD_MOLD)
  target_link_options(fairlead_flags INTERFACE -fuse-ld=mold)
endif()
