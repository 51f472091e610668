#include "hasten/pool/task.h"

#include <algorithm>
#include <cstring>

namespace hasten::pool {

void Task::copy_payload(char* into, size_t offset, size_t count) const {
  const size_t head_size = head != nullptr ? head->size() : 0;
  if (offset < head_size) {
    const size_t of_head = std::min(count, head_size - offset);
    std::memcpy(into, head->data() + offset, of_head);
    into += of_head;
    offset += of_head;
    count -= of_head;
  }
  if (count > 0) {
    std::memcpy(into, body.data() + (offset - head_size), count);
  }
}

} // namespace hasten::pool
