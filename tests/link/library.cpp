#include "hasten/channel.h"

int main() {
  hasten::Channel<int> channel(1);
  channel.put(0);
  return channel.get().value_or(1);
}
