// Loading objects: names, several at once, unloading, damaged bytes, forks.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <thread>
#include <vector>

#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"
#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/jit/session.h"
#include "hasten/compiler/llvm/emit.h"

namespace hasten::jit {
namespace {

std::string compile(const std::string& text) { return llvm_backend::emit_object(ir::parse(text), {}).bytes; }

std::string calling(const std::string& name) {
  return compile("func f(int64) -> int64\nb0:\n  %0 = param 0 : int64\n  %1 = extern \"" + name + "\" %0 : int64\n  ret %1");
}

int64_t call(LoadedCode& code, int64_t argument) {
  abi::Env env{};
  const uint64_t in[] = {static_cast<uint64_t>(argument)};
  uint64_t out[1] = {};
  EXPECT_EQ(code.entry()(&env, in, out), 0);
  return static_cast<int64_t>(out[0]);
}

int64_t twice(int64_t x) { return 2 * x; }
int64_t thrice(int64_t x) { return 3 * x; }
void* provide(std::string_view name) { return name == "test_provided" ? reinterpret_cast<void*>(&thrice) : nullptr; }

TEST(Session, FindsNamesThatWereAddedOrAreProvided) {
  add_symbol("test_added", reinterpret_cast<void*>(&twice));
  set_symbol_provider(provide);
  EXPECT_EQ(call(*load_object(calling("test_added")), 21), 42);
  EXPECT_EQ(call(*load_object(calling("test_provided")), 5), 15);
  set_symbol_provider(nullptr);
}

TEST(Session, OffersTheLibraryAndC) {
  for (const char* name :
       {"hst_block_new", "hst_parallel_for", "hst_ewise_new", "hst_release_slots", "sin", "powf", "memcpy", "__extendhfsf2", "cexp"}) {
    EXPECT_NE(find_symbol(name), nullptr) << name;
  }
  EXPECT_EQ(reinterpret_cast<double (*)(double)>(find_symbol("cos"))(0.5), std::cos(0.5));
  EXPECT_EQ(find_symbol("no_such_name"), nullptr);
}

TEST(Session, NamesWhatIsMissing) {
  try {
    load_object(calling("test_missing"));
    FAIL() << "the object was loaded";
  } catch (const base::Diagnostic& problem) {
    EXPECT_EQ(problem.fault(), base::Fault::kMachine);
    EXPECT_NE(problem.message().find("test_missing"), std::string::npos);
  }
}

TEST(Session, RefusesDamagedObjects) {
  const std::string good = calling("labs");
  EXPECT_THROW(load_object(""), base::Diagnostic);
  EXPECT_THROW(load_object("nothing like an object"), base::Diagnostic);
  EXPECT_THROW(load_object(good.substr(0, good.size() / 2)), base::Diagnostic);
}

TEST(Session, LoadsTheSameObjectOftenAndUnloadsIt) {
  const std::string object = compile("func f(int64) -> int64\nb0:\n  %0 = param 0 : int64\n  %1 = add %0, %0 : int64\n  ret %1");
  auto first = load_object(object);
  EXPECT_EQ(first->loop(), nullptr);
  auto second = load_object(object);
  EXPECT_NE(first->entry(), second->entry());
  first.reset();
  EXPECT_EQ(call(*second, 4), 8);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(call(*load_object(object), i), 2 * i);
  }
}

TEST(Session, ServesManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 10; ++i) {
        const std::string factor = std::to_string(t * 100 + i);
        auto code = load_object(compile("func f(int64) -> int64\nb0:\n  %0 = param 0 : int64\n  %1 = const " + factor +
                                        " : int64\n  %2 = mul %0, %1 : int64\n  ret %2"));
        EXPECT_EQ(call(*code, 3), 3 * (t * 100 + i));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(Session, SurvivesAFork) {
  add_symbol("test_before_fork", reinterpret_cast<void*>(&twice));
  auto code = load_object(calling("test_before_fork"));
  const std::string object = calling("test_before_fork");
  const pid_t child = fork();
  if (child == 0) {
    forget_session_after_fork();
    bool fine = call(*code, 1) == 2;
    code.reset(); // linked by the parent: stays mapped
    fine = fine && call(*load_object(object), 2) == 4;
    fine = fine && call(*load_object(compile("func f(int64) -> int64\nb0:\n  %0 = param 0 : int64\n  ret %0")), 7) == 7;
    _exit(fine ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(call(*code, 4), 8);
}

} // namespace
} // namespace hasten::jit
