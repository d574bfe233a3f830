// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer inside a real webrtcbin, which is in a call with another one: its rtpbin
// gets it by request-jitterbuffer, losses get repaired, and the statistics can be read.
#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "fatal_warnings.hpp"
#include "gst_environment.hpp"
#include "rtp_jitterbuffer.hpp"
#include "rtp_webrtc.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr unsigned kSeed = 20240917;
constexpr double kLoss = 0.05;

class WebrtcbinContract : public FatalWarningsTest {};

struct Streams {
  WebrtcCall::Stream audio;
  WebrtcCall::Stream video;
  [[nodiscard]] std::array<WebrtcCall::Stream, 2> both() const { return {audio, video}; }
};

// The streams of a call that stands; a failure, when it does not come to that.
Streams begin(WebrtcCall& call) {
  EXPECT_TRUE(call.negotiate());
  return {.audio = call.wait_for_stream(WebrtcCall::kAudioType),
          .video = call.wait_for_stream(WebrtcCall::kVideoType)};
}

// Of sequence numbers; PTS are moved by rtpbin with every report, to make the streams meet.
void expect_in_order(const std::vector<RtpRecorder::Packet>& packets) {
  for (std::size_t i = 1; i < packets.size(); ++i) {
    const auto next = static_cast<guint16>(packets[i - 1].sequence + 1);
    ASSERT_EQ(packets[i].sequence, next) << "packet " << i;
  }
}

bool repairs(GstElement* jitterbuffer) {
  gboolean repairs = FALSE;
  g_object_get(jitterbuffer, "do-retransmission", &repairs, nullptr);
  return repairs != FALSE;
}

const GstStructure* nested(const GstStructure* structure, const char* field) {
  const GValue* value = gst_structure_get_value(structure, field);
  return value && G_VALUE_HOLDS(value, GST_TYPE_STRUCTURE) ? gst_value_get_structure(value)
                                                           : nullptr;
}

guint64 count_in(const GstStructure* structure, const char* field) {
  guint64 count = 0;
  EXPECT_TRUE(gst_structure_get_uint64(structure, field, &count)) << field;
  return count;
}

TEST_F(WebrtcbinContract, BothStreamsFlowThroughTheBuffersThatWebrtcbinIsGiven) {
  WebrtcCall call{kSeed};
  const auto streams = begin(call);
  ASSERT_FALSE(HasFailure());
  for (const auto& stream : streams.both()) {
    auto* jitterbuffer = stream.received->jitterbuffer();
    EXPECT_EQ(GST_OBJECT_NAME(gst_element_get_factory(jitterbuffer)), jitterbuffer_factory());
    EXPECT_TRUE(repairs(jitterbuffer)) << "do-nack of the transceiver is for the jitter buffer";
    guint latency = 0;
    g_object_get(jitterbuffer, "latency", &latency, nullptr);
    EXPECT_EQ(latency, 200u);  // as webrtcbin's own
    ASSERT_TRUE(stream.recorder->wait_for_packets(100));
    expect_in_order(stream.recorder->packets());
  }
}

TEST_F(WebrtcbinContract, FivePercentOfLossAreRepairedWithFewRequests) {
  WebrtcCall call{kSeed};
  const auto streams = begin(call);
  ASSERT_FALSE(HasFailure());
  // No feedback leaves before the first regular report (RFC 4585 section 3.5.3), within 2.5 s. (The
  // sender's own report would tell, but does not reach the jitter buffer of webrtcbin 1.26, not even
  // a stock one.)
  ASSERT_TRUE(streams.video.recorder->wait_for_more(1500));
  call.lose(kLoss);
  // Before the first repetition nobody knows how long one takes, and a delay that adapts has not yet
  // risen to it: these losses do not count.
  ASSERT_TRUE(streams.video.recorder->wait_for_more(500));
  const auto while_learning = call.lost();
  ASSERT_TRUE(streams.video.recorder->wait_for_more(2500));
  call.lose(0);
  for (const auto& stream : streams.both())
    ASSERT_TRUE(stream.recorder->wait_for_more(60));

  std::size_t all_lost = 0;
  std::size_t lost = 0;
  std::size_t repaired = 0;
  std::size_t requests = 0;
  std::string never_came;
  for (const auto& stream : streams.both()) {
    std::set<guint16> came;
    for (const auto& packet : stream.recorder->packets())
      came.insert(packet.sequence);
    for (const auto& packet : call.lost()) {
      if (packet.ssrc != stream.received->ssrc())
        continue;  // the repetitions have SSRCs of their own
      ++all_lost;
      if (while_learning.contains(packet))
        continue;
      ++lost;
      repaired += came.count(packet.sequence);
      if (!came.contains(packet.sequence))
        never_came +=
            " " + std::to_string(packet.payload_type) + "#" + std::to_string(packet.sequence);
    }
    for (const auto& [sequence, count] : stream.received->requests())
      requests += count;
  }
  RecordProperty("lost", static_cast<int>(all_lost));
  RecordProperty("repaired", static_cast<int>(repaired));
  RecordProperty("requests", static_cast<int>(requests));
  ASSERT_GT(lost, 100u) << "seed " << kSeed;
  EXPECT_GE(static_cast<double>(repaired), 0.99 * static_cast<double>(lost))
      << repaired << " of " << lost << " repaired, seed " << kSeed << ", not:" << never_came;
  EXPECT_LE(static_cast<double>(requests), 2.5 * static_cast<double>(all_lost))
      << requests << " requests for " << all_lost << " losses, seed " << kSeed;

  // What webrtcbin makes of the jitter buffers' statistics, unseen (see the interface's tests). It
  // takes those of the buffer that was made last for all streams of a bundle, so that no more than
  // bounds can be said.
  const auto report = call.stats();
  ASSERT_TRUE(report);
  for (const auto& stream : streams.both()) {
    const auto id = "rtp-inbound-stream-stats_" + std::to_string(stream.received->ssrc());
    const GstStructure* inbound = nested(report.get(), id.c_str());
    ASSERT_TRUE(inbound) << GMemory<char>{gst_structure_to_string(report.get())}.get();
    ASSERT_TRUE(nested(inbound, "gst-rtpjitterbuffer-stats")) << id;
    gint64 said_lost = -1;
    EXPECT_TRUE(gst_structure_get_int64(inbound, "packets-lost", &said_lost));
    EXPECT_GE(said_lost, 0);
    EXPECT_LE(said_lost, static_cast<gint64>(all_lost));
    EXPECT_LE(count_in(inbound, "packets-discarded"), requests);
    EXPECT_LE(count_in(inbound, "packets-duplicated"), requests);
    EXPECT_LE(count_in(inbound, "packets-repaired"), requests);
  }
}

TEST_F(WebrtcbinContract, MediaGoesOnOverARenegotiation) {
  WebrtcCall call{kSeed};
  const auto streams = begin(call);
  ASSERT_FALSE(HasFailure());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(call.negotiate());
    for (const auto& stream : streams.both())
      ASSERT_TRUE(stream.recorder->wait_for_more(20)) << "round " << round;
  }
  for (const auto& stream : streams.both())
    expect_in_order(stream.recorder->packets());
}

TEST_F(WebrtcbinContract, TheReceiverIsStoppedWhileMediaComes) {
  WebrtcCall call{kSeed};
  const auto streams = begin(call);
  ASSERT_FALSE(HasFailure());
  call.lose(kLoss);  // so that holes wait for their repair
  ASSERT_TRUE(streams.video.recorder->wait_for_more(100));
  call.stop_receiver();
  for (const auto& stream : streams.both()) {
    GstState state = GST_STATE_PLAYING;
    gst_element_get_state(stream.received->jitterbuffer(), &state, nullptr, 0);
    EXPECT_EQ(state, GST_STATE_NULL);
  }
}

TEST_F(WebrtcbinContract, TheReceiverIsStoppedAfterTheSendersEnd) {
  WebrtcCall call{kSeed};
  const auto streams = begin(call);
  ASSERT_FALSE(HasFailure());
  ASSERT_TRUE(streams.video.recorder->wait_for_more(100));
  ASSERT_TRUE(call.end());
  call.stop_receiver();
  for (const auto& stream : streams.both())
    expect_in_order(stream.recorder->packets());
}

}  // namespace
}  // namespace onair::test
