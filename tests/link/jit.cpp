#include "hasten/compiler/jit/session.h"

#include "hasten/base/diagnostic.h"

int main() {
  try {
    hasten::jit::load_object("this is no object");
  } catch (const hasten::base::Diagnostic&) {
    return 0;
  }
  return 1;
}
