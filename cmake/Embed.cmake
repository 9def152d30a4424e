# The web pages inside the program.
#
# embed_web(<variable>): names in <variable> the generated C++ file that carries the bundled pages. Three steps, each run only when
# what it reads has changed: the packages of the lock file (npm), the bundle (esbuild), the object file. The packages lie beside
# their lock file in web/, shared by all presets.
function(embed_web variable)
  find_program(FAIRLEAD_NODE NAMES node nodejs)
  find_program(FAIRLEAD_NPM npm)
  if(NOT FAIRLEAD_NODE OR NOT FAIRLEAD_NPM)
    message(FATAL_ERROR "The web pages need node (18 or newer) and npm. Install them, or configure with -DFAIRLEAD_WEB=OFF for a server without pages.")
  endif()

  set(web ${PROJECT_SOURCE_DIR}/web)
  install_node_packages(${web} packages)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/*)
  set(table ${CMAKE_CURRENT_BINARY_DIR}/web_assets.cpp)
  add_custom_command(OUTPUT ${table}
    COMMAND ${FAIRLEAD_NODE} ${web}/tools/build.mjs --out ${CMAKE_CURRENT_BINARY_DIR}/dist --embed ${table}
    DEPENDS ${packages} ${web}/tools/build.mjs ${sources}
    COMMENT "Bundling the web pages" VERBATIM)
  set(${variable} ${table} PARENT_SCOPE)
endfunction()

# embed_no_web(<variable>): the same file with an empty table.
function(embed_no_web variable)
  set(table ${CMAKE_CURRENT_BINARY_DIR}/web_assets_none.cpp)
  file(CONFIGURE OUTPUT ${table} CONTENT [[
#include "web/assets.hpp"

namespace fairlead::web {

std::span<const http_server::Asset> assets() { return {}; }

} // namespace fairlead::web
]])
  set(${variable} ${table} PARENT_SCOPE)
endfunction()

# install_node_packages(<folder> <variable>): installs what the lock file in <folder> names, when it has changed, and names in <variable>
# the file to depend on.
function(install_node_packages folder variable)
  set(installed ${folder}/node_modules/.package-lock.json)
  add_custom_command(OUTPUT ${installed}
    COMMAND ${FAIRLEAD_NPM} ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${installed}
    DEPENDS ${folder}/package.json ${folder}/package-lock.json ${folder}/.npmrc
    WORKING_DIRECTORY ${folder} COMMENT "Installing the packages of ${folder}/package-lock.json" VERBATIM)
  set(${variable} ${installed} PARENT_SCOPE)
endfunction()

# register_web_tests(): what npm's scripts check, as tests named web.*.
function(register_web_tests)
  set(web ${PROJECT_SOURCE_DIR}/web)
  add_test(NAME web.unit COMMAND ${FAIRLEAD_NODE} tools/test.mjs)
  add_test(NAME web.lint COMMAND ${FAIRLEAD_NODE} tools/lint.mjs)
  add_test(NAME web.types COMMAND ${FAIRLEAD_NODE} node_modules/typescript/bin/tsc --noEmit)
  set_tests_properties(web.unit web.lint web.types PROPERTIES WORKING_DIRECTORY ${web} LABELS unit TIMEOUT 120)
endfunction()
