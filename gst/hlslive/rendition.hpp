// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "input.hpp"
#include "muxer.hpp"
#include "part_assembler.hpp"
#include "segment_writer.hpp"

namespace onair {

// The streams of one media playlist, from frames to the muxer: parts are assembled, sound is packed, and
// the muxer learns where parts end. Frames come on the threads of their streams.
//
// A stream has a place from its first frame on; what comes in front of the first segment that begins with
// it is left out. One that comes when others are on their way begins with the next segment, in a muxer of
// its own: that is a discontinuity (RFC 8216 section 4.3.2.3).
class Rendition {
 public:
  struct Config {
    std::string muxer;         // its factory
    bool packs_sound = false;  // a transport stream's
    Duration target = std::chrono::seconds(1);
    std::optional<Duration> part_target;  // low latency
    // How long others wait for a stream that says nothing.
    Duration patience = std::chrono::seconds(2);
    // How much may wait for a slow disk before the streams do.
    Duration buffering = std::chrono::seconds(10);
  };

  // The writer is made by the caller, who can tell it more.
  Rendition(GstBin* bin, Config config, std::shared_ptr<SegmentWriter> writer);

  // Before anybody else knows it. Which streams it has never changes: no lock is needed to ask.
  void expect(std::shared_ptr<const Input> input);
  [[nodiscard]] bool has(const Input& input) const { return find(input) != nullptr; }
  // The frame is shared with other renditions.
  GstFlowReturn on_frame(const Input& input, const MediaFrame& frame);
  // With the last of its streams returns when all is written.
  void on_end(const Input& input);
  // The balancer has decided on a boundary, and has not waited for these: so they are not here.
  void on_decided(const Boundary& boundary, const std::set<const Input*>& absent);
  // The bin stops: what waits returns, and nothing is written any more.
  void abandon();

 private:
  struct Track {
    std::shared_ptr<const Input> input;
    GstPtr<GstCaps> caps{};                      // of the newest frame that was written
    std::optional<PartAssembler::TrackId> id{};  // from the first frame on
    std::optional<Muxer::TrackId> output{};      // of the muxer that runs
    std::deque<MediaFrame> frames{};             // that the assembler holds back
    bool is_described = false;                   // in this segment
    bool has_begun = false;                      // a segment
    ClockTime seen{};                            // when it last said something
    bool has_spoken = false;
    bool has_ended = false;
    bool is_absent = false;
  };
  struct Pending {
    const Input* input;
    MediaFrame frame;
  };

  [[nodiscard]] Track* find(const Input& input);
  [[nodiscard]] const Track* find(const Input& input) const;
  [[nodiscard]] Track& of(PartAssembler::TrackId id);
  [[nodiscard]] bool can_start() const;
  GstFlowReturn start();
  [[nodiscard]] std::optional<PartPlan> make_plan() const;
  void take_in(Track& track, const MediaFrame& frame);
  void join(Track& track, const MediaFrame& frame);
  void follow_caps(Track& track, MediaFrame& frame);
  [[nodiscard]] bool begins(const Track& track, const MediaFrame& frame) const;
  void give_up_silent();
  void tell(Track& track, const Boundary& boundary);
  void tell_missed(Track& track, std::int64_t end);
  GstFlowReturn carry_out();
  [[nodiscard]] bool open_segment();
  [[nodiscard]] bool begin_muxer();
  GstFlowReturn write_pack(Track& track, std::size_t count);
  void mark(SegmentWriter::Mark mark);
  [[nodiscard]] GstClockTime muxer_time(RunningTime time) const;

  GstBin* const bin_;
  const Config config_;
  const std::shared_ptr<SegmentWriter> writer_;

  std::mutex mutex_;
  std::vector<Track> tracks_;
  // Until each stream has said something.
  std::vector<Pending> pending_;
  std::optional<PartAssembler> assembler_;
  std::deque<Boundary> segments_;  // that have not ended; the first may be open
  std::int64_t opened_ = INT64_MIN;
  std::int64_t told_ = INT64_MIN;  // the newest of all
  std::deque<Boundary> decided_;   // newer ones, which no stream has come to
  bool is_open_ = false;
  std::shared_ptr<Muxer> muxer_;
  Guarded<std::weak_ptr<Muxer>> running_;  // the same, for abandon()
  std::uint64_t marks_ = 0;
  bool is_abandoned_ = false;
  // The muxer's time goes on where time lines break.
  RunningTime line_start_{};
  Duration line_base_ = std::chrono::seconds(1);  // DTS may be in front of the first PTS
  Duration newest_{};
};

}  // namespace onair
