# SPDX-License-Identifier: Apache-2.0
# A target without an operating system: libc++'s headers between our own configuration and our own few C headers.
# The including file sets PLINTH_ARCH and PLINTH_TRIPLE.
include(${CMAKE_CURRENT_LIST_DIR}/clang.cmake)
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR ${PLINTH_ARCH})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_COMPILER_TARGET ${PLINTH_TRIPLE})
set(CMAKE_ASM_COMPILER_TARGET ${PLINTH_TRIPLE})
set(PLINTH_FREESTANDING ON)
