// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

namespace guest {

// Without a hypervisor nobody answers HVCL.
bool is_bare() {
  static constinit bool known = false;
  static constinit bool bare = false;
  if (!known) {
    bare = attempt([] { asm volatile(".word 0x002b87ff" ::: "$a0", "memory"); }).taken;
    known = true;
  }
  return bare;
}

}  // namespace guest
