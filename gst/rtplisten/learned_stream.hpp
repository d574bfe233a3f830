// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "base/time.hpp"
#include "rtcingest/negotiation.hpp"
#include "rtcingest/rtp_header.hpp"

namespace onair::rtplisten {

// IPv6, or IPv4 mapped into it (RFC 4291 section 2.5.5.2).
using Address = std::array<std::uint8_t, 16>;

struct Sender {
  Address address{};
  std::uint16_t port = 0;
  bool operator==(const Sender&) const = default;
};

// What tells a stream from whatever else comes to its port.
struct Source {
  Sender sender;
  std::uint32_t ssrc = 0;
  std::uint8_t payload_type = 0;
  bool operator==(const Source&) const = default;
};

enum class Refusal {
  NotRtp,         // no RTP of version 2, or its lengths are wrong
  Rtcp,           // on the port for RTP
  SourceAddress,  // from who may not send
  Sender,         // the SSRC that is known, from elsewhere
  Ssrc,           // another SSRC, while the one that is known is heard
  PayloadType,    // another payload type: retransmission, FEC, redundancy, telephone events
  Payload,        // neither H.264 nor Opus, while nothing is known
  Stray,          // the first of a stream that did not go on
  Ended           // of a session that the application has ended, or after the last one
};
inline constexpr std::size_t kRefusals = 9;
const char* to_string(Refusal why);

// Finds out which of the packets that come to a port are the stream. Two in a row that fit each other (RFC 3550
// appendix A.1) are one: the same sender, SSRC and payload type, numbers that follow one another, and a payload
// of the codec. They pass both, as the first may carry the parameter sets. From then on nothing else passes,
// until the stream has been silent for the takeover time, or has said goodbye. Each limit is exact: at the
// limit the stream is still there.
class LearnedStream {
 public:
  struct Config {
    MediaKind kind = MediaKind::Audio;
    std::optional<std::uint8_t> payload_type;  // none: whichever comes
    std::optional<std::uint32_t> ssrc;         // none: whichever comes
    Duration takeover_time{std::chrono::seconds{1}};
  };
  // Streams that may begin at the same time, interleaved: a simulcast's layers, retransmission.
  static constexpr std::size_t kCandidates = 4;
  // A disabled camera sends one picture a second.
  static constexpr Duration kCandidateLife{std::chrono::seconds{2}};

  struct Pass {};
  struct
      Hold {  // until the next packet shows what it is; whatever is held there already is a stray
    std::size_t slot;
  };
  struct Learned {  // a new source: the packet held there passes, and this one
    std::size_t slot;
  };
  struct Refuse {
    Refusal why;
  };
  using Decision = std::variant<Pass, Hold, Learned, Refuse>;

  explicit LearnedStream(Config config) : config_{config} {}

  Decision on_packet(ClockTime now, const Sender& sender, std::span<const std::uint8_t> packet);
  // RTCP says that the source has left. Packets that it has overtaken still pass.
  void on_bye(ClockTime now, std::uint32_t ssrc);
  // The source is not wanted any more: only another SSRC is one, or this after a silence.
  void bar() { is_barred_ = true; }
  void forget();

  [[nodiscard]] const std::optional<Source>& source() const { return source_; }
  // Or nothing has been heard yet.
  [[nodiscard]] bool is_silent(ClockTime now) const;
  // Packets held that came to nothing.
  [[nodiscard]] std::uint64_t strays() const { return strays_; }

 private:
  struct Candidate {
    Source source;
    std::uint16_t sequence = 0;
    ClockTime seen;
  };

  Decision follow(ClockTime now, const Source& from);
  Decision probe(ClockTime now, const Source& from, const RtpHeader& header);
  [[nodiscard]] std::size_t slot_of(const Source& from) const;

  Config config_;
  std::optional<Source> source_;
  ClockTime last_;                    // packet of the source
  std::optional<ClockTime> left_at_;  // its goodbye
  bool is_barred_ = false;
  std::array<std::optional<Candidate>, kCandidates> candidates_;
  std::uint64_t strays_ = 0;
};

}  // namespace onair::rtplisten
