# SPDX-License-Identifier: Apache-2.0
# The machine that builds: the same sources against tests/fakes, with the sanitizers.
set(PLINTH_ARCH host)
include(${CMAKE_CURRENT_LIST_DIR}/clang.cmake)
