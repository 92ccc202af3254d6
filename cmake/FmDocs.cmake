# What is installed under share/doc/fanmill: README, CHANGELOG, LICENSE, guide/ and examples/. The
# pages lose the comments that are for the tree, and their links lead to what is installed.
include(GNUInstallDirs)

function(fm_page page folder)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${page})
    file(READ ${PROJECT_SOURCE_DIR}/${page} text)
    string(REGEX REPLACE "\n<!--[^>]*-->\n" "\n" text "${text}")
    string(REGEX REPLACE "<!--[^>]*-->" "" text "${text}")
    string(REPLACE "](docs/guide/" "](guide/" text "${text}")
    string(REPLACE "](pipelines/examples)" "](examples)" text "${text}")
    string(REPLACE "](../../client/examples)" "](../examples)" text "${text}")
    string(REPLACE "](../../include/" "](../../../../include/" text "${text}")
    string(REGEX REPLACE "\\[([^]]*)\\]\\((ARCHITECTURE|CONTRIBUTING|proto/|docs/|\\.\\./(\\.\\./|internals|decisions))[^)]*\\)"
        "\\1" text "${text}")
    get_filename_component(name ${page} NAME)
    file(WRITE ${PROJECT_BINARY_DIR}/doc/${folder}/${name} "${text}")
endfunction()

fm_page(README.md .)
file(GLOB guides RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS docs/guide/*.md)
foreach(guide ${guides})
    fm_page(${guide} guide)
endforeach()
file(GLOB examples CONFIGURE_DEPENDS pipelines/examples/*.yaml client/examples/*.c)
install(FILES CHANGELOG.md LICENSE ${PROJECT_BINARY_DIR}/doc/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/doc/guide DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${examples} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
