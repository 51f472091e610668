#include "hasten/pool/narrowing.h"

namespace hasten::pool {

void Narrowing::begin(const Task& next, size_t tasks, size_t workers) {
  if (next.group == 0) {
    end(); // somebody may wait for this one alone
  } else if (static_cast<int32_t>(next.group - group_) > 0) {
    group_ = next.group;
    is_on_ = next.is_awaited && workers > few_ && tasks >= kEnough * workers;
    restart();
  }
}

void Narrowing::restart() {
  since_ = 0;
  results_ = 0;
}

void Narrowing::judge(size_t results, bool has_tasks, int64_t now) {
  const bool was_away = results > 0 && now - looked_ > kAway;
  looked_ = now;
  if (!has_tasks) {
    restart();
  } else if (since_ == 0 || was_away) {
    since_ = now;
    results_ = 0;
  } else if (results_ += results; now - since_ >= kStall) {
    is_on_ = is_on_ && static_cast<int64_t>(results_) * kShort >= now - since_;
    since_ = now;
    results_ = 0;
  }
}

} // namespace hasten::pool
