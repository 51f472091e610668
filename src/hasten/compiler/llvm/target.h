// The machine that code is generated for: the one that we run on.
#pragma once

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
}

namespace hasten::llvm_backend {

struct Host {
  std::string cpu;      // LLVM's name
  std::string features; // "+avx2,-sse4a,…", sorted: where this machine differs from others of that name
  unsigned vector_bits; // of the widest registers that are worth using
};

// Found out once. Thread-safe.
const Host& host();

// A target machine for one compilation; machines are made on demand and used again. Thread-safe.
class MachineLease {
public:
  MachineLease(bool contract, int optimization);
  ~MachineLease();
  MachineLease(const MachineLease&) = delete;
  MachineLease& operator=(const MachineLease&) = delete;

  llvm::TargetMachine& operator*() const { return *machine_; }
  llvm::TargetMachine* operator->() const { return machine_.get(); }

private:
  std::unique_ptr<llvm::TargetMachine> machine_;
};

} // namespace hasten::llvm_backend
