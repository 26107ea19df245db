# Every include of the library goes downward in this table. A folder of lib/handgrad, or a file that stands there by itself,
# may include itself and what is listed for it. A folder of ops counts as a layer of its own: what an operation may use of
# another one is listed, too.
#   cmake -DROOT=<source tree> -P check_layers.cmake
cmake_minimum_required(VERSION 3.21...3.25)

function(layer name)
  set_property(GLOBAL PROPERTY layer_${name} ${name} ${ARGN})
endfunction()

set(values tensor error)                                    # all that a pure function needs
set(operations ${values} ops backends)
layer(error)
layer(version)
layer(tensor error)
layer(device ${values} ops)
layer(ops ${values} device nn)
layer(backends ${values} ops device)
layer(check ${values} ops)
layer(nn ${values} ops)
layer(optim ${operations} nn)
layer(io ${values})
layer(data ${values} ops backends device io)
layer(plot ${values} io data)
layer(train ${operations} device nn optim io data)
layer(app ${operations} version device nn optim io data plot train)

# layer_of(PATH): the folder or file (without its ending) below handgrad/ that PATH belongs to.
function(layer_of path out)
  string(REGEX REPLACE "^handgrad/" "" path "${path}")
  string(REGEX REPLACE "[/.].*$" "" path "${path}")
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

set(wrong "")
set(checked 0)
set(base "${ROOT}/lib/handgrad")
file(GLOB_RECURSE files RELATIVE "${base}" "${base}/*.hpp" "${base}/*.cpp")
foreach(file IN LISTS files)
  layer_of("${file}" from)
  get_property(allowed GLOBAL PROPERTY layer_${from})
  file(STRINGS "${base}/${file}" lines REGEX "^[ \t]*#[ \t]*include[ \t]*(\"|<handgrad/)")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^[^\"<]*[\"<]([^\">]*).*$" "\\1" included "${line}")
    get_filename_component(folder "${base}/${file}" DIRECTORY)
    if(EXISTS "${folder}/${included}") # "net.hpp" beside the file that includes it
      file(RELATIVE_PATH included "${base}" "${folder}/${included}")
    endif()
    layer_of("${included}" to)
    math(EXPR checked "${checked} + 1")
    if(NOT to IN_LIST allowed)
      list(APPEND wrong "${file} includes ${included}")
    endif()
  endforeach()
endforeach()

list(LENGTH wrong count)
if(count OR checked EQUAL 0)
  list(JOIN wrong "\n  " wrong)
  message(FATAL_ERROR "${count} includes against the order of layers, of ${checked}:\n  ${wrong}")
endif()
message(STATUS "${checked} includes follow the order of layers")
