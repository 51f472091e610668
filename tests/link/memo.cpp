#include "hasten/memo/disk_store.h"

int main() { return hasten::memo::DiskStore("/nowhere").get({}).has_value() ? 1 : 0; }
