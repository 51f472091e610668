#include "hasten/bindings/engine_identity.h"

#include <Python.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <elf.h>
#include <link.h>
#include <nanobind/nanobind.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/made_once.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/compiler/llvm/emit.h"

#if defined(__x86_64__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
#define HASTEN_CPUID_OF_THE_C_LIBRARY
// As in <sys/platform/x86.h>, which is no C++: what a leaf of CPUID says, and what of it the system lets programs use.
struct CpuidLeaf {
  unsigned present[4];
  unsigned usable[4];
};
extern "C" const CpuidLeaf* cpuid_leaf(unsigned leaf) __asm__("__x86_get_cpuid_feature_leaf");
#endif
#endif

namespace hasten::bindings {
namespace {

namespace nb = nanobind;

// Any address of this extension.
const char kHere = 0;

size_t padded(size_t size) { return (size + 3) / 4 * 4; }

// The linker's digest of the extension's content, from a segment of notes.
std::string_view build_id_in(std::string_view notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data(), sizeof header);
    const size_t start = sizeof header + padded(header.n_namesz);
    const size_t size = start + padded(header.n_descsz);
    if (size > notes.size()) {
      break;
    }
    if (header.n_type == NT_GNU_BUILD_ID && notes.substr(sizeof header, 4) == std::string_view("GNU\0", 4)) {
      return notes.substr(start, header.n_descsz);
    }
    notes.remove_prefix(size);
  }
  return {};
}

bool holds_this_code(const dl_phdr_info& library) {
  for (int i = 0; i < library.dlpi_phnum; ++i) {
    const ElfW(Phdr) & segment = library.dlpi_phdr[i];
    const ElfW(Addr) begin = library.dlpi_addr + segment.p_vaddr;
    const auto here = reinterpret_cast<ElfW(Addr)>(&kHere);
    if (segment.p_type == PT_LOAD && here >= begin && here < begin + segment.p_memsz) {
      return true;
    }
  }
  return false;
}

int find_build_id(dl_phdr_info* library, size_t, void* result) {
  if (!holds_this_code(*library)) {
    return 0;
  }
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const ElfW(Phdr) & segment = library->dlpi_phdr[i];
    if (segment.p_type == PT_NOTE) {
      const auto* notes = reinterpret_cast<const char*>(library->dlpi_addr + segment.p_vaddr);
      static_cast<std::string*>(result)->append(build_id_in({notes, segment.p_memsz}));
    }
  }
  return 1;
}

std::string build_id() {
  std::string id;
  dl_iterate_phdr(find_build_id, &id);
  if (id.empty()) {
    base::internal_error("the extension was linked without a build id");
  }
  return id;
}

// The CPU and what it can do: all that LLVM looks at when it chooses instructions, but without starting LLVM, which takes longer than to
// load code. The C library asked the processor when the process began; under a hypervisor each question costs as much as a file.
std::string cpu() {
#if defined(HASTEN_CPUID_OF_THE_C_LIBRARY)
  std::string text;
  const auto add = [&text](unsigned a, unsigned b, unsigned c, unsigned d) {
    char part[40];
    std::snprintf(part, sizeof part, "%x,%x,%x,%x;", a, b, c, d);
    text += part;
  };
  unsigned vendor[4] = {};
  __cpuid(0, vendor[0], vendor[1], vendor[2], vendor[3]);
  add(vendor[0], vendor[1], vendor[2], vendor[3]);
  constexpr unsigned kLeaves = 9; // leaves 1, 7 and those that say what is new
  for (unsigned leaf = 0; leaf < kLeaves; ++leaf) {
    const auto& [present, usable] = *cpuid_leaf(leaf);
    const bool names_core = leaf == 0; // leaf 1: its ebx says where this thread runs
    add(present[0], names_core ? 0 : present[1], present[2], present[3]);
    add(usable[0], usable[1], usable[2], usable[3]);
  }
  return text;
#else
  return llvm_backend::host_cpu();
#endif
}

std::string numpy_version() { return nb::str(nb::module_::import_("numpy").attr("__version__")).c_str(); }

} // namespace

const std::string& engine_identity_without_numpy() {
  static const std::string kEngine = HASTEN_VERSION "|" + build_id() + "|" + Py_GetVersion() + "|" + cpu() + "|";
  return kEngine;
}

const std::string& engine_identity() {
  static constinit MadeOnce<std::string> with_numpy;
  const std::string& engine = engine_identity_without_numpy();
  return has_numpy() ? with_numpy.get([&] { return std::make_unique<std::string>(engine + numpy_version()); }) : engine;
}

} // namespace hasten::bindings
