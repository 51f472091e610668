#include "hasten/programs/messages.h"

int main() {
  hasten::programs::MessageReader reader;
  return reader.next() ? 1 : 0;
}
