// SPDX-License-Identifier: Apache-2.0
// The fakes keep the contracts of hal/, as the headers assert; here they are used as vmm uses a machine.
#include <gtest/gtest.h>

#include "hal/cpu.hpp"
#include "hal/irq.hpp"
#include "hal/mmu.hpp"
#include "hal/timer.hpp"
#include "hal/vcpu.hpp"

namespace {

TEST(Contracts, start_a_vcpu_with_three_arguments_and_not_loaded) {
  hal::Vcpu vcpu;
  hal::Vcpu::StackPart part;
  vcpu.prepare_exits(part);
  vcpu.load();
  vcpu.reset({.pc = hal::GuestPhys(0x4000), .arguments = {1, 2, 3}});
  EXPECT_FALSE(vcpu.is_loaded());
  EXPECT_EQ(vcpu.pc(), 0x4000U);
  EXPECT_EQ(vcpu.reg(0), 1U);
  EXPECT_EQ(vcpu.reg(2), 3U);
}

}  // namespace
