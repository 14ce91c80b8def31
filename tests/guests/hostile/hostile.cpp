// SPDX-License-Identifier: Apache-2.0
// A guest that attacks its hypervisor in the way that its kernel command line names: attack=NAME.
#include "attack.hpp"
#include "machine.hpp"

namespace hostile {
namespace {
const Attack* chosen(std::string_view arguments) {
  constexpr std::string_view key = "attack=";
  const size_t at = arguments.find(key);
  if (at == std::string_view::npos) return nullptr;
  const std::string_view rest = arguments.substr(at + key.size());
  for (const Attack& attack : attacks()) {
    if (rest.substr(0, rest.find(' ')) == attack.name) return &attack;
  }
  return nullptr;
}
}  // namespace
}  // namespace hostile

extern "C" void guest_main(uint64_t handover) {
  guest::read_machine(handover);
  const hostile::Attack* attack = hostile::chosen(guest::machine.arguments);
  if (attack == nullptr) {
    guest::print("hostile: say attack=NAME on the command line, one of:");
    for (const hostile::Attack& known : hostile::attacks()) guest::print("  {}", known.name);
    return;
  }
  hostile::prepare();
  guest::print("hostile: {} begins", attack->name);
  attack->run();
  guest::print("hostile: {} has ended after {} deeds", attack->name, hostile::deeds);
}
