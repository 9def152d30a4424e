# add_server_test(<name> <label> <timeout in seconds> <script> [<arguments>...])
#   A Python test that starts the built server ($FAIRLEAD_BINARY chooses another one). Exit code 77 means skipped.
function(add_server_test name label timeout script)
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} -B ${script} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} SKIP_RETURN_CODE 77
    ENVIRONMENT "FAIRLEAD_BUILT=$<TARGET_FILE:fairlead>")
endfunction()
