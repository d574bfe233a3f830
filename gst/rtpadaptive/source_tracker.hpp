// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace onair {

// Which packets belong to the stream that we follow, and when a new stream has taken its place (RFC
// 3550 appendix A.1, with limits in time as in stock rtpjitterbuffer). A packet that does not fit
// (another SSRC, a sequence number or an RTP time far away) is put on probation: five in a row that
// fit each other are a new stream, anything else was noise.
//
// A sender may have named the first packet of what comes (RTP-Info of RTSP): then those numbered before
// it are left over from what it sent until then, and those between it and the first that arrives are
// missing. Some senders name a wrong one, so a name that nothing comes near is not heeded, nor one
// that has not come after a second of leftovers.
class SourceTracker {
 public:
  struct Limits {
    Duration max_dropout = std::chrono::seconds(60);  // longest loss that is no new stream
    Duration max_misorder = std::chrono::seconds(2);  // how much older a reordered packet can be
  };
  // A sender's clock that runs on while the network stalls is no leap, however long the stall: only
  // RTP time that outruns the arrivals, or goes back in packets that go forward.
  static constexpr Duration kLeap = std::chrono::seconds(2);
  static constexpr int kProbation = 5;
  static constexpr Duration kLeftoverPatience = std::chrono::seconds(1);

  struct Packet {
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;
    RunningTime arrival;
    MediaTime media;  // unrolled near the newest packet
    bool retransmission = false;
  };

  enum class Verdict {
    Start,      // the first packet of all
    Follow,     // belongs to the stream; `sequence` is its unrolled number
    Probation,  // keep it until it is known whether it starts a new stream
    Restart,    // it does, with all packets on probation before it
    Leftover,   // from before the first packet that the sender has named
    Refuse,     // a retransmission of nothing that we know
  };
  struct Decision {
    Verdict verdict;
    std::int64_t sequence = 0;
    bool probation_failed = false;  // the packets kept so far were noise; this one is judged anew
    // Of Start: where the stream begins, if the sender has named it and that can be.
    std::optional<std::int64_t> first = {};
  };

  Decision judge(const Packet& packet, const Limits& limits);

  // The number of the first packet, as the sender has named it, if it has. Only while nothing has
  // started: a stream that is followed goes on.
  void expect(std::optional<std::uint16_t> first);

  // Unrolled number of the first packet of a new stream: it follows the old one's numbers, so that
  // one queue holds both. `first`: where it begins, if that is known; nothing is earlier then.
  void restart(const Packet& packet, std::int64_t sequence,
               std::optional<std::int64_t> first = std::nullopt);
  void reset();

  // Packets a second, from the last seconds; 0 while not known.
  [[nodiscard]] double packet_rate() const { return packet_rate_; }

 private:
  Decision start(const Packet& packet);
  [[nodiscard]] bool leaps(const Packet& packet, std::int64_t step) const;
  [[nodiscard]] bool steps_too_far(std::int64_t step, const Limits& limits) const;
  [[nodiscard]] std::int64_t limit_in_packets(Duration limit, std::int64_t fallback,
                                              std::int64_t least) const;
  void follow(const Packet& packet, std::int64_t sequence);
  Decision on_probation(const Packet& packet);

  bool started_ = false;
  std::uint32_t ssrc_ = 0;
  std::int64_t newest_sequence_ = 0;
  std::uint16_t newest_number_ = 0;  // the same, as the packet has it
  MediaTime newest_media_;
  RunningTime newest_arrival_;
  // The least transit lately: what RTP time can't outrun.
  Duration least_transit_{0};

  std::optional<std::uint16_t> expected_;
  std::optional<RunningTime> leftovers_since_;
  std::optional<std::int64_t> first_;

  int candidates_ = 0;
  Packet last_candidate_;

  double packet_rate_ = 0;
  MediaTime rate_since_;  // media time, which no stall stretches
  int rate_count_ = 0;
};

}  // namespace onair
