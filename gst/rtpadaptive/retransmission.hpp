// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"

namespace onair {

// Which missing packets to ask for again, and when: at once, or after as long as reordered packets
// have lately taken to turn up by themselves; again after 1.2 round trips, as measured; no more when
// the answer could not arrive in time.
class Retransmission {
 public:
  // As the properties rtx-* of stock rtpjitterbuffer; no value: decided by what is measured.
  struct Settings {
    std::optional<Duration> delay;  // from noticing the hole to the first request
    Duration min_delay{0};
    int delay_reorder = 3;                  // or this many later packets, if that is sooner; 0: off
    std::optional<Duration> retry_timeout;  // from one request to the next
    std::optional<Duration> min_retry_timeout;
    std::optional<Duration> retry_period;  // from noticing the hole to the last request
    std::optional<int> max_retries;
    std::optional<Duration> deadline;  // longest that an answer is waited for
    // How long a request is remembered after its packet has come by itself or has been given up: an
    // answer of no use tells the round trip too, and where all are late nothing else does.
    Duration stats_timeout = std::chrono::seconds(1);
  };

  struct Missing {
    std::int64_t sequence = 0;
    MediaTime media;      // interpolated
    RunningTime noticed;  // when a later packet came
    RunningTime ask_at;
    RunningTime first_asked;
    RunningTime last_asked;
    int requests = 0;
    bool is_patient = true;  // the last request waited for the answers to those before it
  };

  // The fields of a GstRTPRetransmissionRequest.
  struct Request {
    std::int64_t sequence;
    RunningTime expected;  // when the packet should have been there
    Duration delay;        // how late it is now
    int retry;             // requests before this one
    Duration retry_timeout;
    Duration retry_period;
    Duration round_trip;  // measured; 0: not known yet
  };

  Retransmission();

  void set_settings(const Settings& settings) { settings_ = settings; }
  [[nodiscard]] const Settings& settings() const { return settings_; }

  // `count` numbers from `first` on are missing, noticed by the packet behind them.
  void on_hole(std::int64_t first, std::int64_t count, MediaTime before, MediaTime after,
               RunningTime now);
  // The packet behind the newest should be there at `expected`, as far as it exists. If it is not,
  // nor `patience` later, it is asked for, once: more could be said only by a packet behind it.
  void expect_next(std::int64_t sequence, MediaTime media, RunningTime expected, Duration patience);
  void expect_nothing();
  // A packet behind the holes: rtx-delay-reorder counts them.
  void on_newest(std::int64_t sequence);

  enum class Filled {
    NotMissing,  // was never asked for, nor waited for
    Reordered,   // came by itself
    Repaired,    // came as the answer to a request
    Answered,    // was not missing any more when the answer came
  };
  Filled on_packet(std::int64_t sequence, RunningTime arrival, bool flagged_retransmission);
  // Numbers below are given up.
  void on_given_up(std::int64_t below, RunningTime now);

  // The next request to make at `now`, if any. `usable_until`: an answer to a request for media time
  // m must be there at m + usable_until (comparable with transit()).
  std::optional<Request> take_request(RunningTime now, Duration usable_until);
  [[nodiscard]] std::optional<RunningTime> next_request_at() const;
  [[nodiscard]] bool has_requests() const { return earliest_.has_value(); }

  [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }
  // How often a packet was asked for that was filled, given up or is asked for no more.
  [[nodiscard]] int requests_for(std::int64_t sequence) const;

  struct Stats {
    std::uint64_t requests = 0;
    std::uint64_t successes = 0;
    double per_packet = 0;  // requests that a repaired packet took, moving average
  };
  [[nodiscard]] const Stats& stats() const { return stats_; }

  void reset();

 private:
  // libwebrtc asks for at most 1000 at a time; a key frame is cheaper than that many.
  static constexpr std::size_t kMaxMissing = 512;

  // What was asked for and is not missing any more.
  struct Asked {
    std::int64_t sequence;
    RunningTime first_asked;
    RunningTime last_asked;
    int requests;
    bool is_patient;
    int answers;
    RunningTime forget_at;
  };
  void remember(const Missing& missing, int answers, RunningTime now);
  Filled on_late_answer(std::int64_t sequence, RunningTime arrival);

  Filled on_next(RunningTime arrival, bool flagged_retransmission);
  std::optional<Request> ask(Missing& missing, RunningTime now, Duration usable_until);
  [[nodiscard]] Missing* find(std::int64_t sequence);
  void remove(Missing* missing);
  [[nodiscard]] Duration first_wait() const;
  [[nodiscard]] Duration retry_timeout() const;
  void learn_round_trip(Duration sample);
  void learn_longest(Duration since_first_asked);
  void update_earliest();

  Settings settings_;
  std::vector<Missing> missing_;  // sorted by sequence
  std::optional<Missing> next_;   // behind the newest
  std::optional<RunningTime> earliest_;
  std::vector<Asked> asked_;  // in the order in which they are forgotten, nearly

  std::optional<Duration> round_trip_;
  Duration round_trip_deviation_{0};
  // What repairs of several requests took since the first, until the round trip is told again.
  Duration longest_repair_{0};
  // How long, and how many packets, reordered packets have lately been behind.
  Duration reorder_wait_{0};
  std::int64_t reorder_distance_ = 0;
  RunningTime reordered_at_;
  std::int64_t newest_ = 0;
  RunningTime now_;
  Stats stats_;
};

}  // namespace onair
