// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "latency_controller.hpp"
#include "media_clock.hpp"
#include "packet_queue.hpp"
#include "play_range.hpp"
#include "retransmission.hpp"
#include "source_tracker.hpp"

namespace onair {

// One RTP stream from arrival to release: which packets belong to it, what they are timed, how long
// they wait, what is asked for again and what is given up. Time comes in with each call, decisions
// go out; packets are tokens that the caller keeps.
//
//   insert() each packet as it arrives, then take() until it has nothing, and again when a packet has
//   come or next_deadline() has passed. take_request() likewise for retransmission requests.
class JitterBuffer {
 public:
  using Token = PacketQueue::Token;

  struct Settings {
    LatencyController::Config latency;
    SourceTracker::Limits limits;
    Retransmission::Settings retransmission;
    bool do_retransmission = false;
    bool request_next = false;     // packets too that are late by more than others have lately been
    bool drop_on_latency = false;  // never hold more media than the latency
    std::size_t max_packets = 10000;
    std::size_t max_bytes = std::size_t{64} << 20;
  };

  struct Packet {
    Token token = 0;
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;
    std::uint32_t rtp_time = 0;
    std::uint32_t clock_rate = 0;  // > 0
    std::uint32_t size = 0;        // bytes
    bool marker = false;
    bool is_empty = false;        // no payload: padding of a bandwidth probe
    bool retransmission = false;  // the answer to a request (RFC 4588), says the receiver of it
    bool arrival_known = true;    // false: `arrival` is a guess and teaches nothing
    RunningTime arrival;
  };

  enum class Insert {
    Queued,     // its token comes out of take() or discarded()
    Empty,      // closed a hole and is gone
    Duplicate,  // these are the caller's again, at once
    Late,       // later ones went out already
    Refused,    // a retransmission of nothing that we know, a time that can't be told, or left over
                // from before the first packet that the sender has named
  };
  Insert insert(const Packet& packet);
  // Packets queued earlier that will not come out of take(), until the next call of anything.
  [[nodiscard]] std::span<const Token> discarded() const { return discarded_; }

  struct Release {
    Token token;
    RunningTime pts;
    MediaTime media;
    RunningTime arrival;
    std::int64_t ticks;
    std::uint32_t ssrc;
    std::uint32_t clock_rate;
    bool discont;  // something before it is missing
    bool resync;   // the time line starts anew
  };
  // One missing packet, or a whole run of them where it is long: nobody conceals seconds bit by bit.
  struct Lost {
    std::uint16_t sequence;
    std::int64_t count;
    RunningTime pts;
    Duration duration;  // of all `count`; 0 inside a video frame
    int requests;       // how often it was asked for
  };
  using Output = std::variant<Release, Lost>;
  // What is to be done at `now`, in order; nothing means: not before next_deadline(), or a packet.
  std::optional<Output> take(RunningTime now);
  [[nodiscard]] std::optional<RunningTime> next_deadline() const;
  // The next packet can go whatever the time is.
  [[nodiscard]] bool is_ready() const {
    return settings_.latency.release == LatencyController::Release::Eager &&
           queue_.has(queue_.next());
  }

  struct Request {
    Retransmission::Request request;
    std::uint16_t number;  // RTP sequence number
    Duration packet_spacing;
  };
  std::optional<Request> take_request(RunningTime now);
  [[nodiscard]] std::optional<RunningTime> next_request_at() const;
  [[nodiscard]] bool has_requests() const { return retransmission_.has_requests(); }

  // What the sender says of the stream that begins with the next packet, and where this one ends.
  void expect(const PlayRange& range);
  // When the stream is over unless a packet comes: its range has been played, and for a second nothing
  // has come. No value: nobody has said how long it is.
  [[nodiscard]] std::optional<RunningTime> ends_at() const;

  // No packet will follow: holes are not waited for any more.
  void drain() {
    draining_ = true;
    retransmission_.expect_nothing();
  }
  // Forgets all packets (their tokens are in discarded()) and the stream; statistics stay.
  void clear();

  void set_settings(const Settings& settings);
  [[nodiscard]] const Settings& settings() const { return settings_; }
  // Other streams of the session need this much: a muxer waits for the slowest anyway.
  void set_shared_latency(Duration latency) { shared_latency_ = latency; }

  // L of this stream alone, and what holds (the larger of this and the shared one).
  [[nodiscard]] Duration own_latency() const { return controller_.latency(); }
  [[nodiscard]] Duration latency() const;
  [[nodiscard]] std::optional<LatencyController::Change> take_latency_change() {
    return controller_.take_change();
  }

  // A position in the order of packets: it is reached when all that came before have gone.
  using Position = std::int64_t;
  [[nodiscard]] Position position() const { return is_untouched() ? INT64_MIN : queue_.end(); }
  [[nodiscard]] bool reached(Position position) const { return queue_.next() >= position; }

  [[nodiscard]] const MediaClock& clock() const { return clock_; }
  // A packet that is queued may belong to another stream, of which nobody knows yet.
  [[nodiscard]] bool is_on_probation() const { return !parked_.empty(); }
  // Where the stream begins, as RTP-Info says it; nothing if that is not near the newest packet.
  [[nodiscard]] std::optional<std::int64_t> announced_ticks() const;
  // Counts the streams that have begun.
  [[nodiscard]] std::uint64_t stream() const { return stream_; }
  // From packets in sequence alone, so that nothing that depends on the latency has a say in it.
  [[nodiscard]] const DriftEstimator::Estimate& drift() const {
    return controller_.drift().estimate();
  }
  [[nodiscard]] const LatencyController::Stats& latency_stats() const {
    return controller_.stats();
  }

  struct Stats {
    std::uint64_t pushed = 0;
    std::uint64_t lost = 0;
    std::uint64_t late = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t empty = 0;
    std::uint64_t refused = 0;     // fitted nothing
    std::uint64_t overflowed = 0;  // dropped: max_packets, max_bytes, drop_on_latency
    std::uint64_t restarts = 0;    // new streams after the first
    Duration jitter{0};            // RFC 3550 section 6.4.1
  };
  [[nodiscard]] const Stats& stats() const { return stats_; }
  [[nodiscard]] const Retransmission::Stats& retransmission_stats() const {
    return retransmission_.stats();
  }
  [[nodiscard]] std::optional<Duration> round_trip() const { return retransmission_.round_trip(); }
  [[nodiscard]] std::size_t packets() const { return queue_.packets(); }
  [[nodiscard]] std::size_t bytes() const { return queue_.bytes(); }

 private:
  // Its RTP time, unrolled, and as the clock that stands now has it.
  struct Moment {
    std::int64_t ticks;
    MediaTime media;
  };
  [[nodiscard]] Moment moment_of(const Packet& packet) const;
  Insert enqueue(const Packet& packet, std::int64_t sequence, const Moment& when, bool starts);
  // `first`: where it begins, if packets before this one are missing and that is known.
  void start_stream(const Packet& packet, std::int64_t sequence,
                    std::optional<std::int64_t> first = std::nullopt);
  // The media time that RTP-Info names, if it is near: what is far away is wrong.
  [[nodiscard]] std::optional<MediaTime> announced_media(MediaTime near) const;
  void find_end(std::optional<MediaTime> announced);
  Insert restart_stream(const Packet& packet);
  // Nothing has come, or all that came is forgotten.
  [[nodiscard]] bool is_untouched() const { return queue_.is_empty() && !released_media_; }
  void discard_parked();
  void learn(const Packet& packet, MediaTime media);
  void expect_next(const Packet& packet, std::int64_t sequence, MediaTime media);
  void make_room();
  void drop_oldest();
  [[nodiscard]] SourceTracker::Packet described(const Packet& packet, const Moment& when) const;

  [[nodiscard]] RunningTime due(std::int64_t sequence) const;
  // When the hole at the head is given up, with `behind` the first packet behind it.
  [[nodiscard]] RunningTime give_up_at(std::int64_t behind) const;
  // A point between what went out last and the packet `behind`, for the `nth` number missing.
  struct Between {
    MediaTime media;
    RunningTime pts;
  };
  [[nodiscard]] Between missing(std::int64_t nth, std::int64_t behind) const;
  void went_out(MediaTime media, RunningTime pts);
  Output release_head();
  Output give_up_head(std::int64_t behind, RunningTime now);

  Settings settings_;
  SourceTracker tracker_;
  MediaClock clock_;
  LatencyController controller_{settings_.latency};
  Retransmission retransmission_;
  PacketQueue queue_;
  Duration shared_latency_{0};
  bool draining_ = false;
  std::uint64_t stream_ = 0;

  PlayRange range_;
  // Of the packet at stream_start_, where others than it came first.
  std::optional<MediaTime> first_media_;
  std::optional<MediaTime> end_media_;  // of the range
  RunningTime last_arrival_;

  std::vector<Packet> parked_;  // on probation
  std::vector<Token> discarded_;

  // Of the newest packet in sequence.
  std::int64_t newest_sequence_ = 0;
  MediaTime newest_media_;
  Duration packet_spacing_{0};
  // For the packet that comes next: distance of frames, leaning to the larger, and the highest delay
  // above the floor, which fades in kDelayMemory.
  Duration frame_spacing_{0};
  Duration highest_delay_{0};
  RunningTime newest_pts_;
  // Where the stream that is followed begins; what an earlier one left behind goes out at once.
  std::int64_t stream_start_ = 0;
  std::int64_t number_offset_ = 0;  // from its RTP sequence numbers to the queue's
  std::optional<Duration> last_transit_;

  // Of what went out last.
  std::optional<MediaTime> released_media_;
  Duration released_playout_{0};  // a frame's packets are due together
  RunningTime released_pts_;
  bool discont_ = true;
  bool resync_ = false;
  Stats stats_;
};

}  // namespace onair
