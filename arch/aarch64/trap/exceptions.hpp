// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace arch {

// Point VBAR_EL2 of the executing CPU at trap/vectors.S.
void install_exception_vectors();

}  // namespace arch
