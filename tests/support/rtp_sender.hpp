// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gio/gio.h>

#include "glue/gstptr.hpp"

namespace onair::test {

// A UDP socket on the loopback interface that sends plain RTP, as an SFU that forwards does, and hears what comes
// back.
class RtpSender {
 public:
  using Bytes = std::vector<std::uint8_t>;
  struct Config {
    std::uint32_t ssrc = 0x1111;
    unsigned payload_type = 102;
    Bytes payload{0x65, 0x88};   // an IDR slice
    std::uint32_t ticks = 3000;  // from packet to packet: 30 pictures a second
    std::string address = "127.0.0.1";
  };
  explicit RtpSender(Config config);
  // Opus frames of 20 ms whose payload type is 111.
  static Config audio(std::uint32_t ssrc = 0x2222) {
    return {.ssrc = ssrc, .payload_type = 111, .payload = {0x78, 1, 2}, .ticks = 960};
  }
  static Config video(std::uint32_t ssrc = 0x1111) { return {.ssrc = ssrc}; }

  // The next so many packets of the stream.
  void send(guint port, unsigned count = 1);
  void send_bytes(guint port, const Bytes& bytes);
  // The same socket, with another stream.
  void become(std::uint32_t ssrc, unsigned payload_type);
  [[nodiscard]] guint port() const;
  [[nodiscard]] std::uint32_t timestamp() const { return timestamp_; }  // of the next packet

  // The next datagram that comes back; nothing when none comes.
  std::optional<Bytes> receive();

 private:
  Config config_;
  GstPtr<GSocket> socket_;
  std::uint16_t sequence_ = 65'530;  // wraps soon
  std::uint32_t timestamp_ = 0xffff'0000;
};

}  // namespace onair::test
