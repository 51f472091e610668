#include "hasten/pool/scheduler.h"

int main() {
  hasten::pool::Scheduler scheduler(0);
  return scheduler.live_lanes() == 0 ? 0 : 1;
}
