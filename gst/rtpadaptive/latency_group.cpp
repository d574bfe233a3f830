// SPDX-License-Identifier: LGPL-2.1-or-later
#include "latency_group.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

namespace onair {

struct LatencyGroup::Members {
  std::mutex mutex;
  std::map<std::uint64_t, Duration> latencies;
  std::uint64_t next_id = 0;
  std::atomic<Duration::rep> largest{0};

  void update() {
    Duration most{0};
    for (const auto& [id, latency] : latencies)
      most = std::max(most, latency);
    largest = most.count();
  }
};

namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<void>> groups;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

LatencyGroup::LatencyGroup() = default;

LatencyGroup::LatencyGroup(const std::string& name) {
  auto& [mutex, groups] = registry();
  const std::lock_guard lock{mutex};
  std::erase_if(groups, [](const auto& group) { return group.second.expired(); });
  auto& group = groups[name];
  members_ = std::static_pointer_cast<Members>(group.lock());
  if (!members_) {
    members_ = std::make_shared<Members>();
    group = members_;
  }
  const std::lock_guard members_lock{members_->mutex};
  id_ = members_->next_id++;
}

LatencyGroup::~LatencyGroup() {
  if (!members_)
    return;
  const std::lock_guard lock{members_->mutex};
  members_->latencies.erase(id_);
  members_->update();
}

LatencyGroup::LatencyGroup(LatencyGroup&& other) noexcept {
  *this = std::move(other);
}

LatencyGroup& LatencyGroup::operator=(LatencyGroup&& other) noexcept {
  std::swap(members_, other.members_);
  std::swap(id_, other.id_);
  std::swap(published_, other.published_);
  return *this;
}

void LatencyGroup::publish(Duration latency) {
  if (!members_ || latency == published_)
    return;
  published_ = latency;
  const std::lock_guard lock{members_->mutex};
  members_->latencies[id_] = latency;
  members_->update();
}

Duration LatencyGroup::largest() const {
  return members_ ? Duration{members_->largest.load()} : Duration{0};
}

}  // namespace onair
