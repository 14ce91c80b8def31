# SPDX-License-Identifier: Apache-2.0
# One compiler for every target.
find_program(PLINTH_CLANG NAMES clang++-19 REQUIRED)
find_program(PLINTH_LLD NAMES ld.lld-19 REQUIRED)
find_program(PLINTH_OBJCOPY NAMES llvm-objcopy-19 REQUIRED)
set(CMAKE_CXX_COMPILER ${PLINTH_CLANG})
set(CMAKE_ASM_COMPILER ${PLINTH_CLANG})

# The installation prefix, e.g. the folder that holds bin/ and include/c++/v1/.
get_filename_component(PLINTH_LLVM ${PLINTH_CLANG} REALPATH)
cmake_path(GET PLINTH_LLVM PARENT_PATH PLINTH_LLVM)
cmake_path(GET PLINTH_LLVM PARENT_PATH PLINTH_LLVM)
