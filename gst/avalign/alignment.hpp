// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <gst/gst.h>

#include "aligner.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "settings.hpp"

namespace onair {

class Lane;

// Made under the mutex, posted without it.
struct Messages {
  std::vector<GstPtr<GstMessage>> items;
  void add(GstMessage* message) { items.push_back(GstPtr<GstMessage>::adopt(message)); }
};

// What the lanes of an element share: the core, one mutex, the clock.
class Alignment {
 public:
  using Lock = std::unique_lock<std::mutex>;

  explicit Alignment(GstElement* element);

  // Reads or changes them.
  template <typename Visit>
  void visit_settings(Visit visit) {
    const Lock lock{mutex_};
    visit(settings_);
    aligner_.set_config(to_core(settings_));
  }
  [[nodiscard]] GstStructure* stats();
  void set_playing(bool is_playing);
  // Forgets all that was learned: another time line.
  void start_over();
  // The same once all streams have been flushed.
  void start_over_if_idle();

 private:
  friend class Lane;

  // With the mutex.
  [[nodiscard]] RunningTime now();
  void begin_anew();
  void collect();
  [[nodiscard]] Messages take_messages();
  void post(Messages messages);  // without the mutex
  [[nodiscard]] GstEvent* make_timeline_event();

  GstElement* const element_;
  std::mutex mutex_;
  AlignerSettings settings_;
  Aligner aligner_;
  std::vector<Lane*> lanes_;
  bool is_playing_ = false;
  RunningTime newest_arrival_{};
  std::uint64_t next_id_ = 0;
};

}  // namespace onair
