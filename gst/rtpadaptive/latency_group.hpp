// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/time.hpp"

namespace onair {

// A stream's membership in a group that shares the largest latency: streams that are muxed together
// wait for the slowest anyway. Groups find each other by name, anywhere in the process, and live as
// long as their members. Each member is used by one thread at a time.
class LatencyGroup {
 public:
  LatencyGroup();
  explicit LatencyGroup(const std::string& name);
  ~LatencyGroup();
  LatencyGroup(LatencyGroup&&) noexcept;
  LatencyGroup& operator=(LatencyGroup&&) noexcept;

  // What this stream needs.
  void publish(Duration latency);
  // The most that any member needs; 0 without a group.
  [[nodiscard]] Duration largest() const;

 private:
  struct Members;
  std::shared_ptr<Members> members_;
  std::uint64_t id_ = 0;
  Duration published_{-1};
};

}  // namespace onair
