// SPDX-License-Identifier: Apache-2.0
#pragma once

// One file each.
namespace probe {

void identification();
void registers();
void exceptions();
void debugging();
void monitors();
void firmware();
void mmio_forms();
void timers();
void interrupts();
void devices();
void pci();
void memory();
void processors();

}  // namespace probe
