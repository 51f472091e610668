#include "hasten/compiler/infer/infer.h"

#include "identity.h"

using namespace hasten;

int main() {
  IdentityHost host;
  return infer::infer(host, 1, {ir::int_type()}, {}, nullptr).module.functions.at(0).result == ir::int_type() ? 0 : 1;
}
