#include "hasten/compiler/syntax/printer.h"

int main() {
  hasten::syntax::FunctionDef function;
  function.name = "f";
  return hasten::syntax::to_text(function) == "def f()\n" ? 0 : 1;
}
