// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "continuity.hpp"
#include "earliest_capture.hpp"
#include "report_line.hpp"
#include "steering.hpp"
#include "transit_envelope.hpp"

namespace onair {

// Puts the streams of one sender onto one output time line. Sound is the master: its output time is
// RTP time plus a constant. The picture follows: RTP time plus an offset that is slewed towards where
// the sound of the same instant is (docs/algorithms/avaligner.md).
//
// Units (packets, frames) go in with what is known of them and come out, in order, with their output
// time; the content stays with the caller, who finds it again by id.
class Aligner {
 public:
  enum class Kind { Audio, Video };
  // What sender reports are worth.
  enum class Trust { Auto, Never, Always };
  // What a stream is placed by.
  enum class Source {
    Arrival,  // when packets came
    Report,   // the sender's clocks, by its reports (those of one stream at least)
    Capture,  // the sender's clocks, by what packets of both streams say of their capture
  };

  struct Config {
    Trust trust = Trust::Auto;
    // How much later video arrives than the sound of the same instant, where nothing tells.
    Duration video_lag{0};
    // How late the sound is in its own stream (codec delay): it goes out earlier by this.
    Duration audio_delay{0};
    // Where a time line goes on that another aligner has begun: its lead() at the end.
    Duration lead{0};
    // How much later than arrivals say reports may put the picture's capture behind the sound's, with
    // Trust::Auto; how much earlier: two fifths of it.
    Duration most_disagreement = std::chrono::milliseconds(250);
  };

  struct Unit {
    std::uint64_t id = 0;
    MediaTime media;  // unrolled RTP time; equal for the packets of one frame
    RunningTime arrival;
    std::optional<NtpTime> ntp;  // the sender's wall clock at `media`, by its newest report
    bool is_captured = false;    // `ntp` is by a capture time in a packet instead
    std::uint32_t ssrc = 0;      // another one is another source with another media clock
  };

  struct Placed {
    std::uint64_t id = 0;
    RunningTime time;
    bool is_break = false;    // the first of its stream or behind a break of the media clock
    bool is_dropped = false;  // belongs to nothing; `time` says nothing
    // Video.
    bool is_squeezed = false;  // there was no room behind the one in front
    Duration step{0};          // what its offset moved at once: a hole of that length, or no room
    Duration interval{0};      // since the one in front, by RTP time
  };

  struct Event {
    enum class Type {
      Source,        // the stream is placed by something else than before
      Rebase,        // the media clock leapt or stood still: `by` was made up for
      Disagreement,  // reports differ by `by` from the arrivals, more than is plausible
    };
    Type type;
    std::size_t stream = 0;
    Duration by{0};
    Source source = Source::Arrival;
  };

  struct StreamStats {
    Kind kind = Kind::Audio;
    std::uint32_t ssrc = 0;
    bool is_placed = false;
    bool is_master = false;
    Source source = Source::Arrival;
    Duration offset{0};             // output time less RTP time; only changes of it mean something
    Duration error{0};              // video: what is left to be slewed
    std::optional<Duration> delay;  // output time less arrival of a packet that met no queue
    double rate_ppm = 0;            // the sender's media clock against ours
    double rate_deviation_ppm = 0;
    Duration confidence{0};                // of the offset to the sound, one standard deviation
    Duration learned_lag{0};               // video: what reports said arrivals cannot see
    std::optional<Duration> disagreement;  // video: reports less arrivals
    std::uint64_t reports = 0;
    Duration report_scatter{0};
    std::uint64_t rebases = 0;
    std::uint64_t slews = 0;
    std::uint64_t steps = 0;
    std::uint64_t squeezed = 0;  // would have gone out before the one in front
    std::uint64_t dropped = 0;
    std::uint64_t held = 0;  // now
  };

  // One instant of the output time line on the clocks around it.
  struct Mapping {
    RunningTime output;
    RunningTime receiver;  // when sound captured then arrived, had it met no queue
    std::optional<NtpTime> sender;
  };

  using StreamId = std::size_t;

  explicit Aligner(const Config& config) : config_{config}, lead_{config.lead} {}

  // Live; an audio_delay that changes steps the sound. A lead counts for a time line that has not begun.
  void set_config(const Config& config);
  StreamId add_stream(Kind kind);
  void remove_stream(StreamId stream);

  // In order of release by the jitter buffer; `now` never goes back.
  void on_unit(StreamId stream, const Unit& unit, RunningTime now);
  // Something may have become due: see next_deadline().
  void on_time(RunningTime now);
  [[nodiscard]] std::optional<RunningTime> next_deadline() const;
  // No more units: those that are held may go.
  void end(StreamId stream, RunningTime now);
  // What is held or ready of this stream is gone; what was learned stays.
  void flush(StreamId stream);
  // The next unit of this stream that may go, if any.
  std::optional<Placed> take(StreamId stream);

  std::optional<Event> take_event();
  [[nodiscard]] StreamStats stats(StreamId stream) const;
  // Output time less the arrival of sound that met no queue: grows as the sender's clock leaves ours.
  [[nodiscard]] Duration lead() const;
  // Nothing before the first stream is placed.
  [[nodiscard]] std::optional<Mapping> mapping(RunningTime now) const;

  // Held at the start of each stream to see more than one packet's delay.
  static constexpr Duration kStartHold = std::chrono::milliseconds(800);

 private:
  struct Pending {
    std::uint64_t id = 0;
    MediaTime media{};  // shifted
    bool is_break = false;
    bool is_dropped = false;  // behind others that wait
  };
  // What is known of a source, and where it goes: the same for all layers of it.
  struct Course {
    // Reports.
    ReportLine reports;
    bool are_captures = false;  // capture times are reports as well: the earliest
    EarliestCapture captures;
    std::optional<Duration> newest_report;
    RunningTime report_arrival{};
    std::uint64_t report_count = 0;

    // Video: what places it.
    Source source = Source::Arrival;
    std::optional<Duration> lag;  // learned: what arrivals cannot see
    std::uint32_t lag_samples = 0;
    RunningTime lag_learned_at{};
    bool is_proven = false;                // what reports say, by having lasted
    std::optional<Duration> disagreement;  // reports less arrivals
    bool has_told_disagreement = false;
    // The lines of reports whose difference is known to mean something.
    std::uint32_t audio_line = 0;
    std::uint32_t video_line = 0;
    std::optional<RunningTime> unsettled_since;
    std::uint64_t settles_at_report = 0;  // of the stream that has not stepped
    Steering steering;
  };
  struct Stream : Course {
    Kind kind = Kind::Audio;
    bool is_present = false;
    TransitEnvelope envelope;
    Continuity continuity;
    Duration offset{0};  // audio: from shifted media time to output

    // On its way.
    std::optional<std::uint32_t> ssrc;
    Duration shift{0};            // of media time: what breaks were made up for
    std::deque<Pending> waiting;  // for the stream to be placed
    std::optional<RunningTime> wait_until;
    bool is_placed = false;
    std::deque<Unit> suspects;
    std::deque<Placed> ready;
    bool is_break = true;                   // the next that goes out
    std::optional<MediaTime> newest_media;  // shifted, gone out
    Duration interval{0};                   // of the newest two
    Duration error{0};                      // video: left to be slewed
    RunningTime newest_out{};
    std::optional<RunningTime> newest_arrival;
    Duration newest_excess{0};
    std::uint64_t rebases = 0;
    std::uint64_t squeezed = 0;
    std::uint64_t dropped = 0;
  };

  [[nodiscard]] const Stream* master() const;
  [[nodiscard]] static bool is_layer(const Stream& stream, std::optional<std::uint32_t> ssrc);
  [[nodiscard]] const Stream& leader(const Stream& stream) const;
  static void follow_on(Stream& stream, const Stream& layer);
  [[nodiscard]] bool is_shared_delay(const Stream& stream, const Unit& unit, Duration excess) const;
  void accept(Stream& stream, const Unit& unit);
  void note_report(Stream& stream, const Unit& unit, MediaTime media);
  void begin_reports(Stream& stream, bool are_captures, MediaTime media, Duration offset);
  void release_suspects(Stream& stream);
  static void drop(Stream& stream, std::uint64_t id);
  void drop_suspects(Stream& stream);
  void rebase(Stream& stream, Duration by);
  void judge(Stream& stream, RunningTime at);
  void place_if_due(Stream& stream);
  void place(Stream& stream);
  void emit(Stream& stream, const Pending& unit);
  void place_video(Stream& stream, MediaTime media, Placed& placed);
  [[nodiscard]] Duration lead(const Stream& first) const;
  [[nodiscard]] Duration floor(const Stream& stream) const;
  [[nodiscard]] Duration memory() const;
  [[nodiscard]] Duration arrival_target(const Stream& audio, const Stream& video) const;
  [[nodiscard]] static Duration report_target(const Stream& audio, const Stream& video,
                                              MediaTime media);
  [[nodiscard]] bool are_settled(const Stream& audio, Stream& video) const;
  [[nodiscard]] bool are_reports_usable(const Stream& audio, Stream& video);
  void learn_lag(Stream& video, Duration lag);
  void tell(const Event& event);
  [[nodiscard]] static bool is_refuted(const Stream& stream);
  [[nodiscard]] Duration target(const Stream& audio, Stream& video, MediaTime media);
  [[nodiscard]] StreamId id_of(const Stream& stream) const {
    return static_cast<StreamId>(&stream - streams_.data());
  }

  Config config_;
  std::vector<Stream> streams_;
  std::deque<Event> events_;
  RunningTime now_{};
  // Of the picture that went away last, while something of its sender is there: the next is thought
  // to have the same.
  std::optional<Duration> left_lag_;
  // What keeps the time line going when all streams have gone and others come: see lead().
  Duration lead_;
};

}  // namespace onair
