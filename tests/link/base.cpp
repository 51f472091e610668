#include "hasten/base/digest.h"

int main() { return hasten::base::digest_of("").hex().size() == 32 ? 0 : 1; }
