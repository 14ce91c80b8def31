#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/check_includes.py on includes that it has to allow and to refuse."""
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))
from check_includes import complaint, problems_in  # noqa: E402


class Direction(unittest.TestCase):
    def allows(self, source, *targets):
        for target in targets:
            self.assertIsNone(complaint(source, target), f"{source} -> {target}")

    def refuses(self, source, *targets):
        for target in targets:
            self.assertIsNotNone(complaint(source, target), f"{source} -> {target}")

    def test_layers_include_what_is_below_them(self):
        self.allows("vmm/vm.cpp", "vmm/vm.hpp", "task/task.hpp", "mm/heap.hpp", "config/toml.hpp", "hal/cpu.hpp",
                    "hal/base/bits.hpp")
        self.allows("task/task.cpp", "mm/heap.hpp", "hal/timer.hpp")
        self.allows("mm/heap.cpp", "hal/mmu.hpp", "hal/base/list.hpp")
        self.allows("config/schema.cpp", "config/toml.hpp", "hal/base/format.hpp")

    def test_layers_include_nothing_above_them(self):
        self.refuses("hal/base/fdt.cpp", "hal/cpu.hpp", "mm/heap.hpp")
        self.refuses("hal/driver/uart.cpp", "mm/heap.hpp", "task/task.hpp", "vmm/vm.hpp", "config/toml.hpp")
        self.refuses("mm/heap.cpp", "task/task.hpp", "config/toml.hpp", "vmm/vm.hpp")
        self.refuses("task/task.cpp", "vmm/vm.hpp", "config/vm_config.hpp")
        self.refuses("config/schema.cpp", "hal/cpu.hpp", "mm/heap.hpp", "vmm/vm.hpp")

    def test_machines_are_reached_through_contract_headers_only(self):
        self.allows("hal/mmu.hpp", "arch/mmu.hpp")
        self.refuses("hal/driver/uart.hpp", "arch/mmio.hpp")
        self.refuses("hal/mmu.cpp", "arch/mmu.hpp")
        self.refuses("vmm/vm.cpp", "arch/vcpu.hpp", "arch/aarch64/virt/vcpu.hpp")

    def test_interrupt_models_may_use_register_layouts(self):
        self.allows("vmm/irq/vgic/vgic.cpp", "arch/aarch64/regs/gic.hpp")
        self.refuses("vmm/irq/vgic/vgic.cpp", "arch/aarch64/irq/gic.hpp")
        self.refuses("vmm/device/pl011.cpp", "arch/aarch64/regs/gic.hpp")

    def test_what_a_vm_is_on_one_machine_may_know_that_machine(self):
        self.allows("vmm/aarch64/board/board.cpp", "arch/virtual_gic.hpp", "arch/aarch64/regs/gic.hpp", "vmm/vm.hpp")
        self.refuses("vmm/aarch64/board/board.cpp", "arch/loongarch64/regs/csr.hpp", "arch/aarch64/irq/gic.hpp")

    def test_machines_reach_back_through_hal_only(self):
        self.allows("arch/aarch64/trap/exits.cpp", "hal/upcall.hpp", "hal/base/bits.hpp", "arch/cpu.hpp",
                    "arch/aarch64/regs/system.hpp", "arch/aarch64/trap/exits.hpp")
        self.refuses("arch/aarch64/trap/exits.cpp", "vmm/vm.hpp", "task/task.hpp", "mm/heap.hpp",
                     "arch/loongarch64/regs/csr.hpp", "config/toml.hpp")

    def test_register_layouts_are_pure(self):
        self.allows("arch/aarch64/regs/gic.hpp", "hal/base/bits.hpp", "arch/aarch64/regs/system.hpp")
        self.refuses("arch/aarch64/regs/gic.hpp", "hal/cpu.hpp", "arch/cpu.hpp", "arch/aarch64/irq/gic.hpp")

    def test_paths_begin_at_the_root(self):
        self.refuses("mm/heap.cpp", "heap.hpp", "tests/fakes/x.hpp", "tools/host/files.hpp")

    def test_conditions_on_the_instruction_set_stay_in_arch(self):
        text = "#if defined(__aarch64__)\n#include <cstdint>\n#endif\n"
        self.assertEqual([line for line, _ in problems_in("mm/heap.cpp", text)], [1])
        self.assertEqual(list(problems_in("arch/aarch64/boot/main.cpp", text)), [])


if __name__ == "__main__":
    unittest.main()
