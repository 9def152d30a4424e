# The checks that keep the floors apart, as ctest tests. They are proved to bite in tests/house.

find_package(Python3 COMPONENTS Interpreter REQUIRED)
set(FAIRLEAD_TOOLS ${CMAKE_CURRENT_LIST_DIR}/../tools)

# house_check(<name> <command>...): a ctest test "house.<name>"; exit status 77 means skipped.
function(house_check name)
  add_test(NAME house.${name} COMMAND ${ARGN})
  set_tests_properties(house.${name} PROPERTIES LABELS house TIMEOUT 120 SKIP_RETURN_CODE 77)
endfunction()

# check_purity(<floor>...): no archive of these floors references a clock, socket, thread, file, environment, randomness or stream.
function(check_purity)
  foreach(floor IN LISTS ARGN)
    get_property(archives GLOBAL PROPERTY floor_${floor}_archives)
    foreach(name IN LISTS archives)
      house_check(purity.${name} ${Python3_EXECUTABLE} ${FAIRLEAD_TOOLS}/purity_lint $<TARGET_FILE:${name}>)
    endforeach()
  endforeach()
endfunction()

# check_headers(): every header compiles alone. tools/include_lint sees to it that x.cpp includes x.hpp first, so only headers
# without such a source get a translation unit of their own here.
function(check_headers)
  get_property(modules GLOBAL PROPERTY fairlead_modules)
  foreach(name IN LISTS modules)
    get_property(floor GLOBAL PROPERTY module_${name}_floor)
    set(folder ${PROJECT_SOURCE_DIR}/src/${floor})
    file(GLOB_RECURSE headers RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/${name}/*.hpp)
    set(units "")
    foreach(header IN LISTS headers)
      string(REGEX REPLACE "\\.hpp$" ".cpp" source ${header})
      if(NOT EXISTS ${folder}/${source})
        set(unit ${PROJECT_BINARY_DIR}/headers/${source})
        file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${header}\"\n")
        list(APPEND units ${unit})
      endif()
    endforeach()
    if(units)
      add_library(headers_of_${name} OBJECT ${units})
      target_link_libraries(headers_of_${name} PRIVATE ${name} fairlead_flags)
    endif()
  endforeach()
endfunction()
