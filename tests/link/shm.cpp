#include "hasten/pool/shm/segment.h"

int main() { return hasten::pool::shm::Segment::create("link", 4096).size() == 4096 ? 0 : 1; }
