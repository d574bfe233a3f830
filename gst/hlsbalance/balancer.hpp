// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <gst/gst.h>

#include "cut/cut_scheduler.hpp"
#include "glue/deadline_wait.hpp"
#include "settings.hpp"

namespace onair {

class Track;

// What the tracks of an element share: the scheduler, one mutex, a thread that gives up what does not
// come, and one that speaks for those that are silent: downstream may hold it as it holds a stream's.
class Balancer {
 public:
  using Lock = std::unique_lock<std::mutex>;

  explicit Balancer(GstElement* element);
  ~Balancer();  // as stop()
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  // Reads or changes them. What the scheduler is made of counts from the next start() on.
  template <typename Visit>
  void visit_settings(Visit visit) {
    const Lock lock{mutex_};
    visit(settings_);
  }
  [[nodiscard]] GstStructure* stats();

  void start();  // READY to PAUSED
  void stop();
  void set_playing(bool is_playing);

  void add(const std::shared_ptr<Track>& track);
  void remove(const std::shared_ptr<Track>& track);

 private:
  friend class Track;

  // What has been decided, to be done without the mutex.
  struct Work {
    std::vector<std::pair<std::shared_ptr<Track>, CutScheduler::Request>> requests;
    std::vector<CutScheduler::Decision> decisions;
    std::vector<std::shared_ptr<Track>> absent;  // not waited for then
    [[nodiscard]] bool is_empty() const { return requests.empty() && decisions.empty(); }
  };

  // With the mutex.
  [[nodiscard]] ClockTime now();
  [[nodiscard]] Work collect();
  [[nodiscard]] std::shared_ptr<Track> track_of(CutScheduler::StreamId id) const;
  [[nodiscard]] bool has_video() const;
  // Without it.
  void carry_out(const Work& work);
  void watch();
  void fill();

  GstElement* const element_;
  std::mutex mutex_;
  std::condition_variable changed_;
  BalancerSettings settings_;
  CutScheduler scheduler_;
  std::vector<std::shared_ptr<Track>> tracks_;
  bool is_playing_ = false;
  bool is_running_ = false;
  ClockTime newest_now_{};
  DeadlineWait wait_;
  std::optional<ClockTime> watched_;  // what the thread waits for
  std::thread watcher_;
  std::thread filler_;
};

}  // namespace onair
