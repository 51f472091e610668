#include "hasten/compiler/jit/session.h"
