// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "cut/audio_frames.hpp"
#include "cut/video_pace.hpp"

namespace onair {

// Decides where segments begin. Boundary n is the start of the audio frame nearest to n·T on one grid
// that never moves, so n segments last n·T to within half an audio frame, for ever. Without audio the
// boundary is n·T itself.
//
// Video is asked for key frames there, and begins the segment with the one that comes: moved onto the
// boundary (`snap`) when it is the frame nearest to it. One that comes late makes this segment longer
// and the next one shorter; behind a gap in the picture no longer than players take. Other key frames
// begin nothing.
//
// Frames are told in the order of each stream (arrive), and judged until the answer is not Wait: audio
// waits at a boundary for the picture's key frame, everything waits at the start for the first frame of
// each stream. Whatever is waited for has `max_wait` of the clock to show that it lives.
class CutScheduler {
 public:
  enum class Kind { Audio, Video };
  enum class Mode {
    Encode,      // key frames come at the frame that they were asked for
    Passthrough  // and here when they come: from a remote encoder, or of its own accord
  };
  using StreamId = std::size_t;

  struct Config {
    Duration target = std::chrono::seconds(1);  // T, > 0
    Mode mode = Mode::Encode;
    bool snap = true;
    Duration max_wait = std::chrono::seconds(2);
    // Encode: how early the key frame is asked for, so that the request overtakes what the encoder holds.
    Duration request_ahead = std::chrono::seconds(3);
  };

  // A key frame that was to begin a segment is moved by no more than this, but for the sake of longest().
  static constexpr Duration kMostSnap = std::chrono::milliseconds(250);
  // A picture that had none for longer, while another one had, comes back.
  static constexpr Duration kPause = std::chrono::milliseconds(250);
  // A timestamp that goes back, or that goes ahead of the clock, by more than this is on a new time line.
  static constexpr Duration kBackwards = std::chrono::milliseconds(500);
  static constexpr Duration kForwards = std::chrono::seconds(5);

  struct Frame {
    RunningTime time;
    bool is_key = true;                  // of video
    AudioFrames::Format format{};        // of audio
    std::optional<Duration> duration{};  // of video, where it is known
  };

  struct Boundary {
    std::int64_t index = 0;
    RunningTime at;         // on every stream
    bool is_break = false;  // the time line is a new one
  };

  struct Wait {};    // judge again once something has changed
  struct Pass {};    // as it is
  struct Demote {};  // a key frame with which no segment begins
  struct Drop {};    // video without the key frame that it needs, sound in front of the first one
  struct Cut {       // the segment begins with it
    Boundary boundary;
    Duration shift{0};  // to be added to its time
  };
  using Verdict = std::variant<Wait, Pass, Demote, Drop, Cut>;

  // A key frame is wanted: at the first frame from `at` on, or at once.
  struct Request {
    StreamId stream;
    std::optional<RunningTime> at;
    std::optional<std::int64_t> index;  // of the boundary; none: for the stream to begin with
  };
  // The stream has nothing to say up to the boundary, and does not come: others wait for it downstream.
  struct Fill {
    StreamId stream;
    Boundary boundary;
  };
  // A boundary as it was decided.
  struct Decision {
    Boundary boundary;
    Duration error{0};                 // of `at`, from the grid
    std::optional<Duration> lateness;  // of the key frame that decided, from the boundary
    std::optional<Duration> length;    // of the segment that ends here
  };

  struct Stats {
    std::uint64_t boundaries = 0;
    std::uint64_t missed = 0;  // boundaries of the grid at which nothing began
    std::uint64_t breaks = 0;
    std::uint64_t requests = 0;
    std::uint64_t repeats = 0;  // of them
    std::uint64_t demoted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t fills = 0;
    Duration error{0};        // of the last boundary, from the grid
    Duration worst_error{0};  // the largest so far, without its sign
    Duration response{0};     // how long requests take (passthrough)
  };

  explicit CutScheduler(Config config);

  // What a segment must stay below: its EXTINF, to the nearest second, is not above EXT-X-TARGETDURATION
  // (RFC 8216bis 4.4.3.1), which is `target` in whole seconds, rounded up.
  [[nodiscard]] static Duration longest(Duration target);

  StreamId add_stream(Kind kind);
  void remove_stream(StreamId stream);
  // A grid that two machines share: through this instant, with the index of boundary 0. Counts for
  // starts to come, until another one is set.
  void set_anchor(std::optional<RunningTime> anchor) { shared_anchor_ = anchor; }

  void arrive(StreamId stream, const Frame& frame, ClockTime now);
  // Of the frame that arrived last.
  [[nodiscard]] Verdict judge(StreamId stream);
  // No more frames come, until the next one.
  void end(StreamId stream, ClockTime now);
  // The stream begins anew.
  void flush(StreamId stream);

  // When on_time() is to be called, unless something arrives sooner.
  [[nodiscard]] std::optional<ClockTime> deadline() const;
  void on_time(ClockTime now);

  [[nodiscard]] std::optional<Request> take_request();
  [[nodiscard]] bool has_fill() const { return !fills_.empty(); }
  [[nodiscard]] std::optional<Fill> take_fill();
  // The stream is on its way after all, and will be judged at that boundary.
  void give_back(const Fill& fill);
  [[nodiscard]] std::optional<Decision> take_decision();
  // Whether boundaries wait for it: it has come, and has neither ended nor been given up.
  [[nodiscard]] bool waits_for(StreamId stream) const { return is_live(streams_[stream]); }
  // Whether what waits is to be judged again.
  [[nodiscard]] bool take_change();

  [[nodiscard]] Stats stats() const;

 private:
  struct Asked {
    std::int64_t index;
    RunningTime at;
  };
  struct Stream {
    Kind kind;
    bool is_present = true;
    bool was_flushed = false;
    // Of the time line that the others are on.
    int epoch = -1;
    bool has_ended = false;
    bool is_stalled = false;  // not waited for
    std::optional<ClockTime> seen;
    std::optional<RunningTime> newest;
    std::int64_t applied = INT64_MIN;  // index of the boundary with which its segment began
    // The frame that is judged, and the newest one before it.
    Frame frame{};
    std::optional<RunningTime> before;
    bool is_waiting = false;
    // Video.
    FrameInterval interval;
    bool needs_key = true;
    std::optional<RunningTime> first_key;  // before the start
    std::deque<Asked> asked;               // key frames at boundaries to come
    std::int64_t asked_to = INT64_MIN;     // the last boundary that was asked for
    KeyFrameRequests at_once;
    bool was_awaited = false;        // this frame
    std::int64_t asked_waiting = 0;  // while this frame waits for the start
  };

  [[nodiscard]] RunningTime nominal(std::int64_t index) const;
  [[nodiscard]] RunningTime boundary(std::int64_t index) const;
  [[nodiscard]] std::int64_t latest(RunningTime time) const;
  [[nodiscard]] Boundary planned(std::int64_t index) const;
  [[nodiscard]] RunningTime nearest_frame(RunningTime time) const;
  [[nodiscard]] bool is_with_us(const Stream& stream) const;
  [[nodiscard]] bool is_live(const Stream& stream) const;
  [[nodiscard]] bool has_live_video() const;
  [[nodiscard]] static Duration half_interval(const Stream& stream);
  [[nodiscard]] static Duration lead(const Stream& stream);

  [[nodiscard]] bool is_near_line(RunningTime time) const;
  void follow_line(Stream& stream, RunningTime time);
  void begin_line();
  // A grid, and the boundary of it that a start is.
  struct Grid {
    RunningTime anchor;
    std::int64_t index;
  };
  [[nodiscard]] Grid grid_through(RunningTime start) const;
  [[nodiscard]] bool can_start(const Stream& stream) const;
  void try_start();
  void decide(std::int64_t index, RunningTime at, std::optional<Duration> lateness);
  void decide_by(const Stream& stream);
  void fill_stalled();
  void unfill(StreamId id, std::int64_t index);
  void forget_fills(StreamId id);
  void skip_past();
  void forget_reached();

  [[nodiscard]] Verdict judge_audio(Stream& stream);
  [[nodiscard]] Verdict judge_video(Stream& stream);
  [[nodiscard]] const Boundary* find_decided(std::int64_t index) const;
  [[nodiscard]] const Boundary* reached(const Stream& stream) const;
  [[nodiscard]] bool comes_back(const Stream& stream) const;
  [[nodiscard]] bool takes(const Stream& stream) const;
  [[nodiscard]] RunningTime due_from(const Stream& stream, const Boundary& boundary) const;
  [[nodiscard]] bool is_first_since(const Stream& stream, const Boundary& boundary) const;
  [[nodiscard]] bool is_on_time(const Stream& stream, const Boundary& boundary) const;
  [[nodiscard]] bool lies_in_gap(const Stream& stream, const Boundary& boundary) const;
  [[nodiscard]] bool would_be_too_long(RunningTime end) const;
  [[nodiscard]] bool is_beside(const Boundary& boundary, RunningTime time) const;
  void ask(StreamId id, Stream& stream);
  void ask_before_start(StreamId id, Stream& stream);
  void keep_asked(Stream& stream);
  void ask_ahead(StreamId id, Stream& stream);
  void ask_now(StreamId id, Stream& stream);
  [[nodiscard]] std::optional<ClockTime> next_ask(const Stream& stream) const;
  void ask_while_waiting();
  [[nodiscard]] Boundary awaited(const Stream& stream) const;
  [[nodiscard]] bool is_overdue(const Stream& stream) const;

  Config config_;
  std::vector<Stream> streams_;
  AudioFrames frames_;
  std::optional<StreamId> master_;  // the audio stream whose frames they are
  std::optional<RunningTime> shared_anchor_;

  int epoch_ = 0;
  bool has_started_ = false;
  std::optional<ClockTime> starting_since_;
  RunningTime anchor_{};  // the nominal time of boundary 0
  std::int64_t next_index_ = 0;
  std::int64_t line_begin_ = 0;   // index of the first boundary on this time line
  std::deque<Boundary> decided_;  // the newest, and those that some stream has not reached
  ClockTime decided_at_{};
  int decided_epoch_ = -1;
  std::int64_t bridged_ =
      INT64_MIN;  // index of the newest one that stayed on the grid for longest()
  ClockTime now_{};

  std::deque<Request> requests_;
  std::deque<Fill> fills_;
  std::deque<Decision> decisions_;
  bool has_changed_ = false;
  Stats stats_;
};

}  // namespace onair
