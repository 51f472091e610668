#include "hasten/compiler/compile.h"

#include "hasten/compiler/jit/session.h"
#include "identity.h"

using namespace hasten;

int main() {
  IdentityHost host;
  compiler::Request request;
  request.function = 1;
  request.arguments = {ir::int_type()};
  const compiler::Unit unit = compiler::compile(host, request);
  return jit::load_object(unit.object.bytes)->entry() != nullptr ? 0 : 1;
}
