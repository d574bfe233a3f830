// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include <gst/gst.h>

#include "arrivals.hpp"
#include "base/time.hpp"
#include "fill_diary.hpp"
#include "glue/gstptr.hpp"
#include "settings.hpp"

namespace onair {

struct LaneStats {
  Duration filled{0};
  Duration concealed{0};
  Duration silence{0};
  std::uint64_t repeated = 0;
  std::uint64_t slates = 0;
  std::uint64_t late = 0;  // buffers
  std::uint64_t late_samples = 0;
  std::uint64_t trimmed_samples = 0;
  std::uint64_t leaps = 0;
  std::uint64_t rebases = 0;
  std::uint64_t refused = 0;  // filler
  std::optional<RunningTime> filling_since;
  std::optional<Duration> lag;
};

// The element's `stats`.
[[nodiscard]] GstStructure* to_structure(const LaneStats& stats);

// Sound or picture: executes what a line decides, with buffers. Belongs to the source pad's task.
class Lane {
 public:
  // The element and its pad outlive this; so do the stats.
  Lane(GstElement* element, GstPad* src, const char* media, LaneStats& stats);
  virtual ~Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  [[nodiscard]] const char* media() const { return media_; }
  virtual void configure(const FlywheelSettings& settings) = 0;
  // Of what comes and goes from here on. False: they are not understood.
  virtual bool set_caps(GstCaps* caps) = 0;
  // Starts without input.
  virtual void begin(RunningTime at) = 0;

  // Running times of the input.
  virtual GstFlowReturn on_buffer(GstPtr<GstBuffer> buffer, std::optional<RunningTime> start,
                                  std::optional<RunningTime> now) = 0;
  virtual GstFlowReturn on_gap(RunningTime start, Duration length,
                               std::optional<RunningTime> now) = 0;
  // One piece of filler.
  virtual GstFlowReturn fill() = 0;
  [[nodiscard]] virtual std::optional<RunningTime> deadline() const = 0;
  // Downstream has not taken the last filler, but may take the next.
  [[nodiscard]] bool is_refused() const { return refused_.has_value(); }
  // The source has gone: until something of it is back it is hardly waited for.
  void set_away() { is_away_ = true; }

 protected:
  [[nodiscard]] Duration max_wait(const FlywheelSettings& settings) const;
  // Counts, tells and logs what is out of the ordinary. True if the buffer is to be dropped.
  bool is_dropped(ArrivalKind kind, Duration by);
  GstFlowReturn push_input(GstPtr<GstBuffer> buffer);
  // The buffer's times are set here. What is not told is in the statistics alone.
  GstFlowReturn push_filler(GstPtr<GstBuffer> buffer, RunningTime start, Duration length,
                            bool is_told = true);

  GstElement* const element_;
  LaneStats& stats_;

 private:
  struct Refused {
    Duration length{0};
    bool is_told = false;
  };
  void refuse(GstFlowReturn flow, Duration length);

  GstPad* const src_;
  const char* const media_;
  FillDiary diary_;
  std::optional<Refused> refused_;  // since downstream took the last
  bool is_away_ = false;
};

}  // namespace onair
