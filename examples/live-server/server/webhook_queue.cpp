// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/webhook_queue.hpp"

#include <utility>

#include "server/back_off.hpp"

namespace live {

void WebhookQueue::push(std::string body) {
  if (bodies_.size() == kMost) {
    // Not the one that is on its way.
    bodies_.erase(bodies_.begin() + (is_sending_ ? 1 : 0));
    ++dropped_;
    if (!is_sending_)
      forget();
  }
  bodies_.push_back(std::move(body));
}

// The next one begins anew, but not sooner than this one would have been tried.
void WebhookQueue::forget() {
  attempts_ = 0;
  first_ = {};
}

std::optional<WebhookQueue::Time> WebhookQueue::next() const {
  return is_sending_ || bodies_.empty() ? std::nullopt : std::optional{due_};
}

std::optional<std::string> WebhookQueue::take(Time now) {
  const auto due = next();
  if (!due || now < *due)
    return std::nullopt;
  is_sending_ = true;
  ++attempts_;
  if (!first_)
    first_ = now;
  return bodies_.front();
}

bool WebhookQueue::on_answer(Time now, bool is_taken) {
  is_sending_ = false;
  const bool is_over = !is_taken && first_ && now - *first_ >= BackOff::kLifetime;
  if (is_taken || is_over) {
    bodies_.pop_front();
    forget();
    due_ = now;
    return !is_over;
  }
  due_ = now + BackOff::after(attempts_);
  return true;
}

}  // namespace live
