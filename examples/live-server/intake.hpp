// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <gst/gst.h>

#include "age_meter.hpp"
#include "broadcast.hpp"
#include "glue/gstptr.hpp"
#include "settings.hpp"

namespace live {

// What belongs to one publisher: from RTP to decoded sound and picture on one time line. Clocks,
// sequence numbers and parameter sets are the publisher's own and go with it; what it feeds goes on.
class Intake {
 public:
  // Posted by the bin for each of its streams that has come to its end.
  static constexpr const char* kEndMessage = "live-intake-ended";

  // The bin goes into `pipeline` and feeds `broadcast`, which does not hear of its end. Its time line goes on with
  // the `lead` of the former one; the first has none. An error is a sentence for a person.
  static std::variant<std::unique_ptr<Intake>, std::string> create(GstBin* pipeline,
                                                                   const Settings& settings,
                                                                   Broadcast& broadcast,
                                                                   bool has_audio, bool has_video,
                                                                   gint64 lead);
  // Takes the bin out of the pipeline.
  ~Intake();
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // Links a pad of the ingest to the branch of its media.
  bool link(GstPad* source, bool is_audio);
  // Nothing comes any more for what has not been linked.
  void end_unlinked();
  [[nodiscard]] bool owns(GstObject* object) const { return is_within(object, bin_.get()); }
  // In nanoseconds: by how much its time line is ahead of arrivals.
  [[nodiscard]] gint64 lead() const { return time_line().lead_ns; }
  // How sound and picture were brought together.
  struct Alignment {
    std::string source;           // what the picture is placed by: see avaligner's stats
    GstClockTimeDiff lag_ns = 0;  // by how much the picture came later than its sound
    guint64 confidence_ns = 0;    // one standard deviation
  };
  struct TimeLine {
    gint64 lead_ns = 0;                  // lead()
    std::optional<Alignment> alignment;  // none without both, or before they are placed
    // By how much it is ahead of arrivals of that kind: the picture is where its sound is, which came sooner.
    [[nodiscard]] GstClockTimeDiff lead_of(bool is_audio) const {
      return lead_ns - (!is_audio && alignment ? alignment->lag_ns : 0);
    }
  };
  [[nodiscard]] TimeLine time_line() const;
  // In nanoseconds, by the time line, when it is decoded; none before the first.
  [[nodiscard]] std::optional<GstClockTimeDiff> age(bool is_audio);
  void on_stream_end() { --streams_; }
  [[nodiscard]] bool has_ended() const { return streams_ == 0; }

 private:
  explicit Intake(GstBin* pipeline) : pipeline_{pipeline} {}
  GstBin* pipeline_;
  onair::GstPtr<GstElement> bin_;
  std::array<std::unique_ptr<AgeMeter>, 2> ages_;  // of the picture and of the sound
  unsigned streams_ = 0;                           // that have not ended
};

}  // namespace live
