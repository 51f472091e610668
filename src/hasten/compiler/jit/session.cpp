// JITLink without ORC around it: an object is linked where it is loaded, in the thread that loads it, and names are looked up in our own
// tables. So there is no engine to start, no lock among loads, and nothing that a fork could break in the middle.
#include "hasten/compiler/jit/session.h"

#include <atomic>
#include <utility>

#include <llvm/ExecutionEngine/JITLink/ELF_x86_64.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/SymbolStringPool.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/jit/symbols.h"
#include "hasten/compiler/llvm/emit.h"

namespace hasten::jit {
namespace {

using llvm::jitlink::JITLinkMemoryManager;

[[noreturn]] void fail(llvm::Error error) {
  throw base::Diagnostic(base::Fault::kMachine, "Compiled code can't be loaded: " + llvm::toString(std::move(error)));
}

// The memory that code is linked into. Leaked on purpose: code may run until the process ends.
struct Session {
  std::unique_ptr<JITLinkMemoryManager> memory;
};

std::atomic<Session*> current_session{nullptr};

Session& session() {
  Session* known = current_session.load(std::memory_order_acquire);
  if (known != nullptr) {
    return *known;
  }
  auto manager = llvm::jitlink::InProcessMemoryManager::Create();
  if (!manager) {
    fail(manager.takeError());
  }
  auto* fresh = new Session{std::move(*manager)};
  if (current_session.compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) {
    return *fresh;
  }
  delete fresh;
  return *known;
}

// What a link leaves behind.
struct Outcome {
  abi::Entry entry = nullptr;
  abi::UfuncLoop loop = nullptr;
  JITLinkMemoryManager::FinalizedAlloc memory;
  llvm::Error error = llvm::Error::success();
};

class LinkedCode : public LoadedCode {
public:
  LinkedCode(Session& session, Outcome& outcome)
      : session_(session), entry_(outcome.entry), loop_(outcome.loop), memory_(std::move(outcome.memory)) {}

  ~LinkedCode() override {
    if (current_session.load(std::memory_order_acquire) != &session_) {
      memory_.release(); // linked before a fork; it stays mapped
      return;
    }
    llvm::consumeError(session_.memory->deallocate(std::move(memory_)));
  }

  abi::Entry entry() const override { return entry_; }
  abi::UfuncLoop loop() const override { return loop_; }

private:
  Session& session_;
  abi::Entry entry_;
  abi::UfuncLoop loop_;
  JITLinkMemoryManager::FinalizedAlloc memory_;
};

// Answers the linker's questions. The linker runs in the caller's thread and is done when it returns.
class Context : public llvm::jitlink::JITLinkContext {
public:
  Context(Session& session, Outcome& outcome) : JITLinkContext(nullptr), session_(session), outcome_(outcome) {}

  JITLinkMemoryManager& getMemoryManager() override { return *session_.memory; }

  void notifyFailed(llvm::Error error) override { outcome_.error = llvm::joinErrors(std::move(outcome_.error), std::move(error)); }

  void lookup(const LookupMap& symbols, std::unique_ptr<llvm::jitlink::JITLinkAsyncLookupContinuation> next) override {
    llvm::jitlink::AsyncLookupResult addresses;
    for (const auto& wanted : symbols) {
      const llvm::StringRef name = *wanted.first;
      void* address = find_symbol(std::string_view(name.data(), name.size()));
      if (address == nullptr) {
        next->run(llvm::createStringError("nothing is known by the name " + name.str()));
        return;
      }
      addresses[wanted.first] = {llvm::orc::ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported};
    }
    next->run(std::move(addresses));
  }

  llvm::Error notifyResolved(llvm::jitlink::LinkGraph& graph) override {
    for (const llvm::jitlink::Symbol* symbol : graph.defined_symbols()) {
      if (!symbol->hasName()) {
        continue;
      }
      const llvm::StringRef name = *symbol->getName();
      if (name == llvm_backend::kEntrySymbol) {
        outcome_.entry = symbol->getAddress().toPtr<abi::Entry>();
      } else if (name == llvm_backend::kLoopSymbol) {
        outcome_.loop = symbol->getAddress().toPtr<abi::UfuncLoop>();
      }
    }
    return llvm::Error::success();
  }

  void notifyFinalized(JITLinkMemoryManager::FinalizedAlloc memory) override { outcome_.memory = std::move(memory); }

private:
  Session& session_;
  Outcome& outcome_;
};

} // namespace

std::shared_ptr<LoadedCode> load_object(const std::string& bytes) {
  Session& here = session();
  const llvm::MemoryBufferRef object(bytes, "hasten");
  // Held until the linker has let go of all names.
  const auto names = std::make_shared<llvm::orc::SymbolStringPool>();
  auto graph = llvm::jitlink::createLinkGraphFromELFObject_x86_64(object, names);
  if (!graph) {
    fail(graph.takeError());
  }
  Outcome outcome;
  llvm::jitlink::link_ELF_x86_64(std::move(*graph), std::make_unique<Context>(here, outcome));
  if (outcome.error) {
    fail(std::move(outcome.error));
  }
  auto code = std::make_shared<LinkedCode>(here, outcome);
  if (code->entry() == nullptr) {
    throw base::Diagnostic(base::Fault::kMachine, "Compiled code can't be loaded: it has no entry");
  }
  return code;
}

void forget_session_after_fork() {
  current_session.store(nullptr, std::memory_order_release);
  forget_symbol_lock_after_fork();
}

} // namespace hasten::jit
