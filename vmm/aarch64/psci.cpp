// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/psci.hpp"

#include <algorithm>
#include <span>

#include "hal/base/bits.hpp"

namespace vmm::aarch64 {

namespace {

// DEN0022D section 5.2.2. Sign-extended to the whole register, as every known firmware does for SMC32 calls too.
enum Status : int64_t {
  success = 0,
  not_supported = -1,
  invalid_parameters = -2,
  denied = -3,
  already_on = -4,
  on_pending = -5,
  invalid_address = -9,
};

// The function identifier, DEN0028 section 2.5.
using smc64 = hal::Field<30>;
constexpr uint32_t smc64_bit = 1U << 30;

constexpr uint32_t smccc_arch_features_id = 0x8000'0001;
constexpr uint32_t smccc_workaround_1_id = 0x8000'8000;
constexpr uint32_t smccc_workaround_2_id = 0x8000'7fff;
constexpr uint32_t smccc_workaround_3_id = 0x8000'3fff;
// DEN0057 3.1; both in the 64-bit convention only.
constexpr uint32_t pv_time_features_id = 0xc500'0020;
constexpr uint32_t pv_time_st_id = 0xc500'0021;

// DEN0098 2.
constexpr uint32_t trng_version_id = 0x8400'0050;
constexpr uint32_t trng_features_id = 0x8400'0051;
constexpr uint32_t trng_uuid_id = 0x8400'0052;
constexpr uint32_t trng_rnd_id = 0x8400'0053;
constexpr uint64_t trng_1_0 = 0x1'0000;

// CPU_SUSPEND's power_state in the original format (5.4.2), which FEATURES announces.
using power_state_is_powerdown = hal::Field<16>;
constexpr uint64_t power_state_reserved = 0xfcfe'0000;

// SYSTEM_RESET2's reset_type (5.11.2): bit 31 is the vendor's space, of which there is nothing.
constexpr uint64_t system_warm_reset = 0;

// AFFINITY_INFO (5.7.3).
constexpr uint64_t deepest_affinity_level = 3;
enum AffinityStatus : int64_t { affinity_on = 0, affinity_off = 1, affinity_on_pending = 2 };

// MIGRATE_INFO_TYPE (5.9.2): there is no trusted OS that would have to move.
constexpr uint64_t no_trusted_os = 2;

// Plinth, 5f1b6c0a-93d4-4c8e-a2e7-706c696e7468; DEN0028 section 6.2 gives the byte order in the registers.
constexpr std::array<uint32_t, 4> plinth_uid{0x0a6c'1b5f, 0x8e4c'd493, 0x6c70'e7a2, 0x6874'6e69};
constexpr std::array<uint64_t, 2> plinth_revision{0, 1};
// The source of random numbers, b3d1c0c4-5f6e-4b0a-9d2e-1c7a90f6e35b (DEN0098 2.3).
constexpr std::array<uint32_t, 4> trng_uid{0xc4c0'd1b3, 0x0a4b'6e5f, 0x7a1c'2e9d, 0x5be3'f690};

FirmwareAction with_status(FirmwareAction::Kind kind, int64_t status, const std::array<uint64_t, 4>& x) {
  FirmwareAction action{.kind = kind, .x = x};
  action.x[0] = static_cast<uint64_t>(status);
  return action;
}

}  // namespace

// A call's arguments in the width of its convention, and the registers as they were: those that carry no result keep
// their value.
struct Psci::Arguments {
  uint32_t function;
  uint64_t first, second, third;
  std::array<uint64_t, 4> x;

  explicit Arguments(const FirmwareCall& call)
      : function(static_cast<uint32_t>(call.x[0])), first(call.x[1]), second(call.x[2]), third(call.x[3]), x(call.x) {
    if (smc64::is_set(function)) return;
    for (uint64_t* argument : {&first, &second, &third}) *argument &= hal::low_mask(32);
  }

  [[nodiscard]] FirmwareAction resume(int64_t status) const {
    return with_status(FirmwareAction::Kind::resume, status, x);
  }
};

struct Psci::Function {
  enum class Width : uint8_t { smc32, smc64, both };
  uint32_t id;  // of the SMC32 form, where there is one
  Width width;
  Handler handler;
};

const Psci::Function* Psci::find(uint32_t id) {
  using enum Function::Width;
  static constexpr std::array functions{
      Function{psci_version_id, smc32, &Psci::stated_version},
      Function{0x8400'0001, both, &Psci::cpu_suspend},
      Function{0x8400'0002, smc32, &Psci::cpu_off},
      Function{0x8400'0003, both, &Psci::cpu_on},
      Function{0x8400'0004, both, &Psci::affinity_info},
      Function{0x8400'0006, smc32, &Psci::migrate_info_type},
      Function{0x8400'0008, smc32, &Psci::system_off},
      Function{0x8400'0009, smc32, &Psci::system_reset},
      Function{0x8400'000a, smc32, &Psci::features},
      Function{0x8400'0012, both, &Psci::system_reset2},
      Function{smccc_version_id, smc32, &Psci::stated_version},
      Function{smccc_arch_features_id, smc32, &Psci::arch_features},
      Function{smccc_workaround_1_id, smc32, &Psci::arch_workaround},
      Function{smccc_workaround_2_id, smc32, &Psci::arch_workaround},
      Function{smccc_workaround_3_id, smc32, &Psci::arch_workaround},
      Function{pv_time_features_id, smc64, &Psci::pv_time_features},
      Function{pv_time_st_id, smc64, &Psci::pv_time_st},
      Function{trng_version_id, smc32, &Psci::trng_version},
      Function{trng_features_id, smc32, &Psci::trng_features},
      Function{trng_uuid_id, smc32, &Psci::trng_uuid},
      Function{trng_rnd_id, both, &Psci::trng_rnd},
      Function{0x8600'ff01, smc32, &Psci::hypervisor_uid},
      Function{0x8600'ff03, smc32, &Psci::hypervisor_revision},
  };
  for (const Function& function : functions) {
    if (function.id == id || (function.width == both && (function.id | smc64_bit) == id)) return &function;
  }
  return nullptr;
}

Psci::Psci(AffinityMap affinities, GuestEntryCheck& entries, FirmwareOffers offers)
    : affinities_(affinities), entries_(entries), offers_(offers) {}

FirmwareAction Psci::call(VcpuIndex vcpu, const FirmwareCall& call) {
  const Arguments arguments(call);
  const Function* const function = find(arguments.function);
  if (function == nullptr) return arguments.resume(not_supported);
  return (this->*function->handler)(vcpu, arguments);
}

FirmwareAction Psci::stated_version(VcpuIndex, const Arguments& arguments) {
  int64_t version = not_supported;
  const bool stated = answer_at_once(arguments.function, [&](uint64_t answer) { version = static_cast<int64_t>(answer); });
  return arguments.resume(stated ? version : not_supported);
}

// 5.15: the flags of a function that is there; all are 0, CPU_SUSPEND's among them (original format, the platform
// coordinates). SMCCC_VERSION is asked for here as well, to find out whether there is more than PSCI.
FirmwareAction Psci::features(VcpuIndex, const Arguments& arguments) {
  constexpr uint32_t range_mask = 0x3f00'ffe0;  // DEN0028 2.5, table 6-2: the first 32 functions of that service
  constexpr uint32_t psci_range = 0x0400'0000;
  const auto id = static_cast<uint32_t>(arguments.first);
  const bool is_psci = (id & range_mask) == psci_range;
  const bool known = id == smccc_version_id || (is_psci && find(id) != nullptr);
  return arguments.resume(known ? success : not_supported);
}

// A powerdown request may be served as standby (5.4.5): the vCPU keeps its state and continues after the call.
FirmwareAction Psci::cpu_suspend(VcpuIndex, const Arguments& arguments) {
  const uint64_t power_state = arguments.first;
  if ((power_state & ~hal::low_mask(32)) != 0 || (power_state & power_state_reserved) != 0) {
    return arguments.resume(invalid_parameters);
  }
  if (power_state_is_powerdown::is_set(power_state) && !entries_.is_executable(hal::GuestPhys(arguments.second))) {
    return arguments.resume(invalid_address);
  }
  return with_status(FirmwareAction::Kind::suspend, success, arguments.x);
}

FirmwareAction Psci::cpu_off(VcpuIndex vcpu, const Arguments& arguments) {
  const hal::LockGuard guard(lock_);
  vcpus_[vcpu].power = Power::off;
  return with_status(FirmwareAction::Kind::power_off, success, arguments.x);
}

FirmwareAction Psci::cpu_on(VcpuIndex, const Arguments& arguments) {
  const std::optional<VcpuIndex> target = affinities_.vcpu(arguments.first);
  if (!target) return arguments.resume(invalid_parameters);
  const hal::GuestPhys entry(arguments.second);
  const hal::LockGuard guard(lock_);
  Vcpu& vcpu = vcpus_[*target];
  if (vcpu.power == Power::on) return arguments.resume(already_on);
  if (vcpu.power == Power::on_pending) return arguments.resume(on_pending);
  if (!entries_.is_executable(entry)) return arguments.resume(invalid_address);
  vcpu = {Power::on_pending, {entry, arguments.third}};
  FirmwareAction action = with_status(FirmwareAction::Kind::start_vcpu, success, arguments.x);
  action.target = *target;
  return action;
}

// Levels above 0 name a whole cluster: it is on while any vCPU in it is.
FirmwareAction Psci::affinity_info(VcpuIndex, const Arguments& arguments) {
  if (arguments.second > deepest_affinity_level) return arguments.resume(invalid_parameters);
  const auto level = static_cast<unsigned>(arguments.second);
  const uint64_t fields = affinity_fields & ~affinity_below(level);
  bool exists = false;
  int64_t status = affinity_off;
  const hal::LockGuard guard(lock_);
  for (VcpuIndex i = 0; i < affinities_.vcpus(); ++i) {
    if ((affinities_.affinity(i) & fields) != (arguments.first & ~affinity_below(level))) continue;
    exists = true;
    if (vcpus_[i].power == Power::on) return arguments.resume(affinity_on);
    if (vcpus_[i].power == Power::on_pending) status = affinity_on_pending;
  }
  return arguments.resume(exists ? status : invalid_parameters);
}

FirmwareAction Psci::migrate_info_type(VcpuIndex, const Arguments& arguments) {
  return arguments.resume(no_trusted_os);
}

// 5.9 and 5.10: these do not return to the caller.
FirmwareAction Psci::system_off(VcpuIndex, const Arguments& arguments) {
  return with_status(FirmwareAction::Kind::system_off, success, arguments.x);
}

FirmwareAction Psci::system_reset(VcpuIndex, const Arguments& arguments) {
  return with_status(FirmwareAction::Kind::system_reset, success, arguments.x);
}

FirmwareAction Psci::system_reset2(VcpuIndex vcpu, const Arguments& arguments) {
  if ((arguments.first & hal::low_mask(32)) != system_warm_reset) return arguments.resume(invalid_parameters);
  return system_reset(vcpu, arguments);
}

FirmwareAction Psci::arch_features(VcpuIndex, const Arguments& arguments) {
  switch (static_cast<uint32_t>(arguments.first)) {
    case smccc_version_id:
    case smccc_arch_features_id: return arguments.resume(success);
    case smccc_workaround_1_id: return arguments.resume(offers_.workarounds.workaround_1);
    case smccc_workaround_2_id: return arguments.resume(offers_.workarounds.workaround_2);
    case smccc_workaround_3_id: return arguments.resume(offers_.workarounds.workaround_3);
    case pv_time_features_id: return arguments.resume(offers_.stolen_times ? success : not_supported);
    default: return arguments.resume(not_supported);
  }
}

FirmwareAction Psci::arch_workaround(VcpuIndex, const Arguments& arguments) {
  using Kind = FirmwareAction::Kind;
  const bool first = arguments.function == smccc_workaround_1_id;
  const bool third = arguments.function == smccc_workaround_3_id;
  const FirmwareWorkarounds& workarounds = offers_.workarounds;
  const int32_t offered = first   ? workarounds.workaround_1
                          : third ? workarounds.workaround_3
                                  : workarounds.workaround_2;
  if (offered != 0 || !(first || third)) return arguments.resume(offered < 0 ? not_supported : success);
  return with_status(first ? Kind::mitigate_1 : Kind::mitigate_3, success, arguments.x);
}

FirmwareAction Psci::pv_time_features(VcpuIndex, const Arguments& arguments) {
  const bool known = arguments.first == pv_time_features_id || arguments.first == pv_time_st_id;
  return arguments.resume(known && offers_.stolen_times ? success : not_supported);
}

FirmwareAction Psci::pv_time_st(VcpuIndex vcpu, const Arguments& arguments) {
  if (!offers_.stolen_times) return arguments.resume(not_supported);
  FirmwareAction action{.kind = FirmwareAction::Kind::steal_time, .x = arguments.x};
  action.x[0] = (*offers_.stolen_times + vcpu * stolen_time_size).value();
  return action;
}

// DEN0098 2.1 to 2.4. Registers without a meaning are zero.
FirmwareAction Psci::trng_version(VcpuIndex, const Arguments& arguments) {
  if (offers_.random == nullptr) return arguments.resume(not_supported);
  return {.x = {trng_1_0}};
}

FirmwareAction Psci::trng_features(VcpuIndex, const Arguments& arguments) {
  if (offers_.random == nullptr) return arguments.resume(not_supported);
  const auto id = static_cast<uint32_t>(arguments.first);
  const uint32_t narrow = id & ~smc64_bit;
  const bool known = narrow >= trng_version_id && narrow <= trng_rnd_id && find(id) != nullptr;
  return {.x = {static_cast<uint64_t>(known ? success : not_supported)}};
}

FirmwareAction Psci::trng_uuid(VcpuIndex, const Arguments& arguments) {
  if (offers_.random == nullptr) return arguments.resume(not_supported);
  FirmwareAction action;
  std::ranges::copy(trng_uid, action.x.begin());
  return action;
}

// As many bits as are asked for, the lowest in X3, in words of the convention; bits above them are zero.
FirmwareAction Psci::trng_rnd(VcpuIndex, const Arguments& arguments) {
  if (offers_.random == nullptr) return arguments.resume(not_supported);
  constexpr unsigned words = 3;
  const unsigned word_bits = smc64::is_set(arguments.function) ? 64 : 32;
  const uint64_t bits = arguments.first;
  if (bits == 0 || bits > uint64_t{words} * word_bits) {
    return {.x = {static_cast<uint64_t>(invalid_parameters)}};
  }
  std::array<uint64_t, words> random;
  offers_.random->fill(std::as_writable_bytes(std::span(random)));
  FirmwareAction action;
  uint64_t left = bits;
  for (unsigned word = 0; word < words; ++word) {
    const auto kept = static_cast<unsigned>(std::min<uint64_t>(left, word_bits));
    action.x[words - word] = random[word] & hal::low_mask(kept);
    left -= kept;
  }
  return action;
}

FirmwareAction Psci::hypervisor_uid(VcpuIndex, const Arguments&) {
  FirmwareAction action;
  std::ranges::copy(plinth_uid, action.x.begin());
  return action;
}

FirmwareAction Psci::hypervisor_revision(VcpuIndex, const Arguments& arguments) {
  FirmwareAction action{.x = arguments.x};
  std::ranges::copy(plinth_revision, action.x.begin());
  return action;
}

std::optional<Psci::Start> Psci::take_start(VcpuIndex vcpu) {
  const hal::LockGuard guard(lock_);
  if (vcpus_[vcpu].power != Power::on_pending) return std::nullopt;
  vcpus_[vcpu].power = Power::on;
  return vcpus_[vcpu].start;
}

void Psci::boot(hal::GuestPhys entry, uint64_t context) {
  const hal::LockGuard guard(lock_);
  vcpus_.fill({});
  vcpus_[0] = {Power::on_pending, {entry, context}};
}

void Psci::reset() {
  const hal::LockGuard guard(lock_);
  vcpus_.fill({});
}

Psci::Power Psci::power(VcpuIndex vcpu) const {
  const hal::LockGuard guard(lock_);
  return vcpus_[vcpu].power;
}

bool Psci::all_off() const {
  const hal::LockGuard guard(lock_);
  return std::ranges::all_of(vcpus_, [](const Vcpu& vcpu) { return vcpu.power == Power::off; });
}

}  // namespace vmm::aarch64
