#include "hasten/abi/table.h"

int main() { return hasten::abi::abi_symbols().empty() ? 1 : 0; }
