# cmake --install, and cpack -G DEB.
# The unit file names these places, so the prefix is /usr unless another is asked for.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where to install" FORCE)
endif()
install(TARGETS larder RUNTIME DESTINATION bin)
# A configuration that is there has perhaps been edited. (dpkg asks, see conffiles below.)
install(CODE "
  set(directory \"\$ENV{DESTDIR}/etc/larder\")
  if(NOT EXISTS \"\${directory}/larder.conf\")
    file(INSTALL \"${PROJECT_SOURCE_DIR}/conf/larder.conf\" DESTINATION \"\${directory}\")
  endif()")
install(FILES conf/larder.service DESTINATION lib/systemd/system)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME larder)
set(CPACK_PACKAGE_CONTACT "The Larder maintainers <maintainers@larder.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_STRIP_FILES ON)
file(WRITE ${CMAKE_BINARY_DIR}/conffiles "/etc/larder/larder.conf\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_BINARY_DIR}/conffiles
  ${PROJECT_SOURCE_DIR}/cmake/debian/postinst
  ${PROJECT_SOURCE_DIR}/cmake/debian/prerm)
include(CPack)
