// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "learned_stream.hpp"

namespace onair::rtplisten {

// The streams that come to our ports, and the sessions that they make. One begins with the first stream that is
// learned; the other one joins whenever it comes. A stream that is replaced by another SSRC goes on in the
// session while the other stream is heard; when that is silent too, somebody else has begun, with a session of
// his own.
class Reception {
 public:
  struct Config {
    std::optional<LearnedStream::Config> audio;
    std::optional<LearnedStream::Config> video;
    std::optional<Address> source_address;  // who may send; none: everybody
  };
  using Counts = std::array<std::uint64_t, kRefusals>;
  struct Outcome {
    LearnedStream::Decision decision;
    unsigned session = 0;  // that a packet which passes belongs to
    Source source;         // of such a packet
  };

  explicit Reception(const Config& config);

  // Of a stream that the configuration has.
  Outcome on_packet(MediaKind kind, ClockTime now, const Sender& sender,
                    std::span<const std::uint8_t> packet);
  // Whether RTCP may come from there: from whom the stream comes, whatever the port, or from whom it may come.
  [[nodiscard]] bool may_report(MediaKind kind, const Sender& sender) const;
  void on_bye(MediaKind kind, ClockTime now, std::uint32_t ssrc);

  // The session is over. What has been learned is forgotten, or, if it is still sending and not wanted, barred.
  void end(bool is_barred);
  // Nothing is taken any more.
  void close();

  [[nodiscard]] unsigned session() const { return session_; }  // 0: none
  // Of the stream in the session.
  [[nodiscard]] std::optional<Source> source(MediaKind kind) const;
  [[nodiscard]] Counts refused() const;

 private:
  struct Stream {
    std::optional<LearnedStream> learned;
    bool has_joined = false;  // the session
  };
  [[nodiscard]] Stream& of(MediaKind kind) { return kind == MediaKind::Audio ? audio_ : video_; }
  [[nodiscard]] const Stream& of(MediaKind kind) const {
    return kind == MediaKind::Audio ? audio_ : video_;
  }
  unsigned session_of_learned(MediaKind kind, ClockTime now);

  const std::optional<Address> source_address_;
  Stream audio_;
  Stream video_;
  unsigned session_ = 0;
  unsigned sessions_ = 0;
  bool is_closed_ = false;
  Counts refused_{};
};

}  // namespace onair::rtplisten
