#include "hasten/compiler/ir/type.h"

int main() { return hasten::ir::parse_type(hasten::ir::int_type()->text) == hasten::ir::int_type() ? 0 : 1; }
