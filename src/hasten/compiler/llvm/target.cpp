#include "hasten/compiler/llvm/target.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/emit.h"

namespace hasten::llvm_backend {
namespace {

unsigned widest_vectors(const llvm::StringMap<bool, llvm::MallocAllocator>& features) {
  const auto has = [&](const char* name) {
    const auto found = features.find(name);
    return found != features.end() && found->second;
  };
  if (has("avx512f") && has("avx512vl") && has("avx512dq") && has("avx512bw")) {
    return 512;
  }
  return has("avx2") ? 256 : 128;
}

const llvm::Triple& native_triple() {
  static const llvm::Triple kTriple(llvm::sys::getProcessTriple());
  return kTriple;
}

// Passes of the code generator that cost more than they bring. Loop strength reduction alone takes half of the time for a two-dimensional
// stencil and finds nothing that x86's addressing can't do; scheduling after register allocation is the processor's own work.
void switch_off_passes() {
  const auto& options = llvm::cl::getRegisteredOptions();
  for (const char* name : {"disable-lsr", "disable-post-ra"}) {
    const auto option = options.find(name);
    if (option != options.end()) {
      option->second->addOccurrence(0, name, "true");
    }
  }
}

// What this machine has beyond, or lacks of, what LLVM takes for granted under the CPU's name. Each function looks its target up by this
// text, many times, so it is kept short.
std::string unusual_features(const llvm::MCSubtargetInfo& usual, const llvm::StringMap<bool, llvm::MallocAllocator>& features) {
  std::vector<std::string> names;
  for (const auto& feature : features) {
    if (usual.checkFeatures(("+" + feature.first()).str()) != feature.second) {
      names.emplace_back(feature.second ? "+" : "-").append(feature.first());
    }
  }
  std::sort(names.begin(), names.end());
  return llvm::join(names, ",");
}

const llvm::Target& native_target() {
  static const llvm::Target* const kTarget = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    switch_off_passes();
    std::string problem;
    const llvm::Target* target = llvm::TargetRegistry::lookupTarget(native_triple(), problem);
    if (target == nullptr) {
      base::internal_error("LLVM has no code generator for this machine: " + problem);
    }
    return target;
  }();
  return *kTarget;
}

Host find_host() {
  Host host;
  host.cpu = llvm::sys::getHostCPUName().str();
  const auto features = llvm::sys::getHostCPUFeatures();
  host.vector_bits = widest_vectors(features);
  const std::unique_ptr<llvm::MCSubtargetInfo> usual(native_target().createMCSubtargetInfo(native_triple(), host.cpu, ""));
  host.features = unusual_features(*usual, features);
  return host;
}

std::unique_ptr<llvm::TargetMachine> make_machine() {
  llvm::TargetOptions options;
  options.LoopAlignment = 32;
  std::unique_ptr<llvm::TargetMachine> machine(native_target().createTargetMachine(native_triple(), host().cpu, host().features, options,
                                                                                   llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                                                   llvm::CodeGenOptLevel::Default, true));
  if (machine == nullptr) {
    base::internal_error("LLVM can't generate code for " + native_triple().str());
  }
  return machine;
}

// Machines that nobody uses now. Leaked on purpose: compilations may end after static destructors.
struct Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<llvm::TargetMachine>> idle;
};

Pool& pool() {
  static auto* const kPool = new Pool;
  return *kPool;
}

} // namespace

const Host& host() {
  static const auto* const kHost = new Host(find_host());
  return *kHost;
}

MachineLease::MachineLease(bool contract, int optimization) {
  {
    const std::lock_guard lock(pool().mutex);
    if (!pool().idle.empty()) {
      machine_ = std::move(pool().idle.back());
      pool().idle.pop_back();
    }
  }
  if (machine_ == nullptr) {
    machine_ = make_machine();
  }
  machine_->Options.AllowFPOpFusion = contract ? llvm::FPOpFusion::Fast : llvm::FPOpFusion::Strict;
  machine_->setOptLevel(optimization == 0 ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default);
}

MachineLease::~MachineLease() {
  const std::lock_guard lock(pool().mutex);
  pool().idle.push_back(std::move(machine_));
}

std::string host_cpu() { return host().cpu + " " + host().features; }

} // namespace hasten::llvm_backend
