#include "hasten/compiler/llvm/emit.h"

#include "identity.h"

int main() { return hasten::llvm_backend::emit_object(hasten::identity_module(), {}).bytes.substr(1, 3) == "ELF" ? 0 : 1; }
