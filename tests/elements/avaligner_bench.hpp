// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "element_bench.hpp"
#include "glue/gstptr.hpp"
#include "glue/rtp_metas.hpp"
#include "on_a_thread.hpp"
#include "paired_stream.hpp"
#include "structure_fields.hpp"

namespace onair::test {

constexpr guint32 kAudioSsrc = 0x0a0d'1000;
constexpr guint32 kVideoSsrc = 0x71de'0000;
constexpr guint32 kOtherSsrc = 0x8765'4321;
// RTP time begins anywhere.
constexpr Duration kAudioMedia{5000s};
constexpr Duration kVideoMedia{70'000s};
constexpr Duration kAudioSpacing{20ms};
constexpr Duration kVideoSpacing{40ms};
// How long a stream is held at its start, and what the element adds to the latency.
constexpr Duration kStartHold{800ms};
constexpr Duration kLatency{1s};
// Of media that wait for downstream.
constexpr Duration kMostWaiting{2s};

// A packet or a frame to be made: the n-th of its stream, captured n spacings after the first.
struct TestUnit {
  std::int64_t n = 0;
  Duration media{0};     // on the sender's media clock
  Duration arrival{0};   // running time
  GstClockTime pts = 0;  // in the segment
  GstClockTime dts = GST_CLOCK_TIME_NONE;
  std::optional<Duration> ntp;
  RtpMetas::NtpSource ntp_source = RtpMetas::NtpSource::Report;
  guint32 ssrc = 0;
  guint32 clock_rate = 0;
  bool has_metas = true;

  TestUnit& late(Duration by) {
    arrival += by;
    pts += ns(by);
    return *this;
  }
  TestUnit& without_metas() {
    has_metas = false;
    return *this;
  }
  TestUnit& of(guint32 other_ssrc) {
    ssrc = other_ssrc;
    return *this;
  }
};

class AlignerBench;

// One pair of pads. Buffers are named "#7" for the seventh unit.
class AlignerStream : public PairedStream {
 public:
  AlignerStream(AlignerBench& bench, const char* name);

  // Empty: the caps of its kind.
  void open(const std::string& caps = {});

  // The n-th unit as it comes without any trouble: it arrives when it was captured.
  [[nodiscard]] TestUnit unit(std::int64_t n) const;
  // Time goes on to the unit's arrival, and then it comes.
  GstFlowReturn push(const TestUnit& unit);
  GstFlowReturn push(std::int64_t n) { return push(unit(n)); }
  void push_all(std::int64_t from, std::int64_t to);
  // Without moving the clock; for threads of their own.
  GstFlowReturn push_now(const TestUnit& unit);

  // Of the n-th unit that came out; a failure where it is missing.
  [[nodiscard]] Duration pts(std::int64_t n);
  [[nodiscard]] GstPtr<GstBuffer> buffer(std::int64_t n);

 private:
  AlignerBench& bench_;
  RtpMetas metas_;
};

// One avaligner with a clock that stands still until the test moves it.
class AlignerBench : public ElementBench {
 public:
  enum class Start { Playing, Ready };

  // `properties` as in a gst-launch line: "sr-trust=never video-lag=40000000".
  explicit AlignerBench(const std::string& properties = {}, Start start = Start::Playing);
  ~AlignerBench();

  // Asks for the pad and links both of the pair. Playing: and opens the stream.
  AlignerStream& add(const char* name, const std::string& caps = {});
  // The stream is without pads then.
  void give_back(const AlignerStream& stream);
  // Gives the pad back if that has not happened yet; the stream is gone.
  void release(AlignerStream& stream);

  using ElementBench::stats;
  StructurePtr stats(const AlignerStream& stream);
  guint64 count(const AlignerStream& stream, const char* field);  // a guint64 of its stats

 private:
  std::vector<std::unique_ptr<AlignerStream>> streams_;
};

}  // namespace onair::test
