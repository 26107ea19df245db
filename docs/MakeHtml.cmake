# Draws the diagrams and runs Doxygen: its own page header with the theme's scripts put in, then the pages, then MathJax
# beside them.
#   cmake -DOUT=<folder> -DSOURCE=<source tree> -DPAGES=<single pages> -DWEAVE=<program> -DDOT=<program> -DDOXYGEN=<program>
#         -DPYTHON=<program> -DLUNR=<Debian's folder> -DMATHJAX=<Debian's folder> -DMATHJAX_FROM=<what pages load> -P MakeHtml.cmake
cmake_minimum_required(VERSION 3.21...3.25)

# Diagrams: those of the chapters, with their numbers filled in; the map; those of operations and of single pages.
file(GLOB graphs "${OUT}/woven/diagrams/*.dot" "${OUT}/woven/*.dot" "${SOURCE}/docs/*.dot" "${SOURCE}/lib/handgrad/ops/*/*.dot")
foreach(graph IN LISTS graphs)
  get_filename_component(stem "${graph}" NAME_WLE)
  execute_process(COMMAND "${DOT}" -Tsvg "${graph}" -o "${OUT}/woven/figures/${stem}.svg" RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "graphviz cannot draw ${graph}")
  endif()
endforeach()
file(GLOB drawings "${SOURCE}/docs/*.svg" "${SOURCE}/lib/handgrad/ops/*/*.svg")
file(COPY ${drawings} DESTINATION "${OUT}/woven/figures")

# The order of the book: the front page, the chapters, the derivations in the order of their list, the single pages.
file(READ "${OUT}/woven/order.txt" order)
string(PREPEND order "index\nchapters\n")
string(APPEND order "derivations\n")
file(STRINGS "${SOURCE}/docs/derivations/index.md" subpages REGEX "@subpage")
foreach(line IN LISTS subpages)
  string(REGEX REPLACE ".*@subpage ([A-Za-z0-9_]+).*" "\\1\n" page "${line}")
  string(APPEND order "${page}")
endforeach()
foreach(file IN LISTS PAGES)
  file(STRINGS "${file}" title LIMIT_COUNT 1)
  string(REGEX REPLACE ".*{#([A-Za-z0-9_]+)}.*" "\\1\n" page "${title}")
  string(APPEND order "${page}")
endforeach()
file(WRITE "${OUT}/book.txt" "${order}")

# Doxygen's filter for pages of Markdown.
file(WRITE "${OUT}/filter" "#!/bin/sh\nexec '${WEAVE}' filter \"$1\"\n")
file(CHMOD "${OUT}/filter" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

file(REMOVE_RECURSE "${OUT}/html" "${OUT}/latex")
# Doxygen writes its header for a given configuration, which must not name a header itself.
file(STRINGS "${OUT}/Doxyfile" lines)
list(FILTER lines EXCLUDE REGEX "^HTML_HEADER")
list(JOIN lines "\n" lines)
file(WRITE "${OUT}/Doxyfile.header" "${lines}\n")
execute_process(COMMAND "${DOXYGEN}" -w html "${OUT}/header.html" "${OUT}/footer.html" "${OUT}/unused.css" "${OUT}/Doxyfile.header"
                WORKING_DIRECTORY "${OUT}" OUTPUT_QUIET ERROR_QUIET)
file(READ "${OUT}/header.html" header)
set(scripts "")
foreach(script IN ITEMS darkmode-toggle fragment-copy-button interactive-toc paragraph-link)
  string(APPEND scripts "<script type=\"text/javascript\" src=\"$relpath^doxygen-awesome-${script}.js\"></script>\n")
endforeach()
foreach(script IN ITEMS handgrad search_box)
  string(APPEND scripts "<script type=\"text/javascript\" src=\"$relpath^${script}.js\"></script>\n")
endforeach()
string(REPLACE "</head>" "${scripts}</head>" with_scripts "${header}")
string(REPLACE "<html " "<html lang=\"en\" " with_scripts "${with_scripts}")
if(with_scripts STREQUAL header)
  message(FATAL_ERROR "Doxygen's header has no </head> to put the theme's scripts before")
endif()
file(WRITE "${OUT}/header.html" "${with_scripts}")

execute_process(COMMAND "${DOXYGEN}" "${OUT}/Doxyfile" WORKING_DIRECTORY "${OUT}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "Doxygen ended with ${status}: its warnings are above, and each one is an error")
endif()

execute_process(COMMAND "${WEAVE}" finish "${OUT}/html" "${OUT}/book.txt" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "The pages could not be finished")
endif()

# What the search box looks through.
file(COPY "${LUNR}/lunr.min.js" DESTINATION "${OUT}/html" FOLLOW_SYMLINK_CHAIN)
execute_process(COMMAND "${PYTHON}" "${SOURCE}/docs/search/make_index.py" "${OUT}/html" "${OUT}/book.txt" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "The text to be searched could not be collected")
endif()

if(MATHJAX_FROM STREQUAL "mathjax") # what SVG output needs of it; unpacked/ has the same scripts again
  foreach(part IN ITEMS MathJax.js config extensions jax/input jax/element jax/output/SVG)
    get_filename_component(folder "${OUT}/html/mathjax/${part}" DIRECTORY)
    file(COPY "${MATHJAX}/${part}" DESTINATION "${folder}")
  endforeach()
endif()
message(STATUS "The book is ready: open ${OUT}/html/index.html")
