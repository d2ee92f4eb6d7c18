# Warnings, sanitizers and the ccache launcher, for every target.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-unused-parameter -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

if(LARDER_SANITIZE)
  add_compile_options(-fsanitize=${LARDER_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LARDER_SANITIZE})
endif()
if(LARDER_SYSTEM_MALLOC)
  add_compile_definitions(LARDER_SYSTEM_MALLOC)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
