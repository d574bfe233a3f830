// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "glue/gstptr.hpp"
#include "on_a_thread.hpp"
#include "pad_feeder.hpp"
#include "pad_recorder.hpp"
#include "reference_timestamp.hpp"
#include "structure_fields.hpp"

namespace onair::test {

constexpr guint32 kSsrc = 0x1234'5678;
constexpr guint32 kOtherSsrc = 0x8765'4321;
constexpr guint8 kPayloadType = 96;
constexpr guint32 kRate = 48'000;
constexpr guint32 kFrame = 960;
constexpr Duration kSpacing{20ms};  // 960 ticks of 48 kHz

// An RTP packet to be made. The n-th of a stream arrives at running time n * 20 ms.
struct RtpPacket {
  explicit RtpPacket(std::int64_t n)
      : sequence{static_cast<guint16>(65'530 + n)},
        rtp_time{static_cast<guint32>(0xffff'f000 + n * kFrame)},
        arrival{n * kSpacing} {}
  RtpPacket& late(Duration by) {
    *arrival += by;
    return *this;
  }
  RtpPacket& of(guint32 other_ssrc) {
    ssrc = other_ssrc;
    return *this;
  }
  RtpPacket& type(guint8 other_type) {
    payload_type = other_type;
    return *this;
  }
  RtpPacket& repeated() {  // as rtprtxreceive hands on the answer to a request
    is_retransmission = true;
    return *this;
  }
  RtpPacket& padding_only() {
    payload_size = 0;
    padding = 4;
    return *this;
  }
  RtpPacket& without_timestamps() {
    arrival.reset();
    return *this;
  }
  // With an element of a header extension (RFC 8285): abs-capture-time or ntp-64, as seconds.
  enum class Form { OneByte, TwoByte };
  RtpPacket& with_ntp(guint8 id, guint32 ntp_seconds, Form form = Form::OneByte,
                      std::size_t size = 8) {
    extension_id = id;
    extension_form = form;
    extension.assign(size, 0);
    for (std::size_t i = 0; i < 4; ++i)
      extension[i] = static_cast<guint8>(ntp_seconds >> (24 - 8 * i));
    return *this;
  }
  RtpPacket& captured(guint8 id, guint32 ntp_seconds, Form form = Form::OneByte,
                      std::size_t size = 8) {
    return with_ntp(id, ntp_seconds, form, size);
  }
  [[nodiscard]] GstPtr<GstBuffer> make() const;

  guint16 sequence;
  guint32 rtp_time;
  std::optional<Duration> arrival;  // DTS, as udpsrc stamps it
  guint32 ssrc = kSsrc;
  guint8 payload_type = kPayloadType;
  bool marker = false;
  bool is_retransmission = false;
  guint payload_size = 20;
  guint8 padding = 0;
  guint8 extension_id = 0;
  Form extension_form = Form::OneByte;
  std::vector<guint8> extension;
};

// One rtpadaptivejitterbuffer between two pads, with a clock that stands still until the test moves
// it. What comes out is named "#7" for the seventh packet of RtpPacket, and queries are noted.
class JitterBufferBench : public ElementBench, public PadFeeder, public PadRecorder {
 public:
  enum class Start { Playing, Ready };
  static constexpr const char* kCaps =
      "application/x-rtp, media=(string)audio, clock-rate=(int)48000, payload=(int)96, "
      "encoding-name=(string)OPUS";

  // `properties` as in a gst-launch line: "release=paced latency=200".
  explicit JitterBufferBench(const std::string& properties = {}, Start start = Start::Playing);
  ~JitterBufferBench();

  void open() { open_stream(kCaps); }

  // Time goes on to the packet's arrival, and then it comes.
  GstFlowReturn push(const RtpPacket& packet);
  GstFlowReturn push(std::int64_t n) { return push(RtpPacket{n}); }
  void push_all(std::int64_t from, std::int64_t to);
};

}  // namespace onair::test
