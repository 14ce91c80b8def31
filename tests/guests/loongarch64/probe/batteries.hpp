// SPDX-License-Identifier: Apache-2.0
#pragma once

// One file each.
namespace probe {

void registers();
void exceptions();
void mmio_forms();
void timers();
void interrupts();
void devices();
void processors();

}  // namespace probe
