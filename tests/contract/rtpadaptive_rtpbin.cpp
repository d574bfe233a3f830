// SPDX-License-Identifier: LGPL-2.1-or-later
// rtpadaptivejitterbuffer inside a real rtpbin, which gets it by request-jitterbuffer: what rtpbin
// asks of its jitter buffers is answered as stock's answers it, and losses get repaired.
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "fatal_warnings.hpp"
#include "gst_environment.hpp"
#include "rtp_jitterbuffer.hpp"
#include "rtp_session.hpp"

namespace onair::test {
namespace {

using namespace std::chrono_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr unsigned kSeed = 20240917;
constexpr double kLoss = 0.05;

class RtpbinContract : public FatalWarningsTest {};

void expect_in_order(const std::vector<RtpRecorder::Packet>& packets) {
  for (std::size_t i = 1; i < packets.size(); ++i) {
    const auto next = static_cast<guint16>(packets[i - 1].sequence + 1);
    ASSERT_EQ(packets[i].sequence, next) << "packet " << i;
    ASSERT_GE(packets[i].pts, packets[i - 1].pts) << "packet " << i;
  }
}

TEST_F(RtpbinContract, MediaFlowsThroughTheBufferThatRtpbinIsGiven) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  const GstElementFactory* factory = gst_element_get_factory(stream->jitterbuffer());
  EXPECT_EQ(GST_OBJECT_NAME(factory), jitterbuffer_factory());
  ASSERT_TRUE(stream->recorder().wait_for_packets(200));
  const auto packets = stream->recorder().packets();
  expect_in_order(packets);
  for (const auto& packet : packets)
    ASSERT_EQ(packet.ssrc, stream->ssrc());
  EXPECT_GE(stats_count(stream->jitterbuffer(), "num-pushed"), 200u);
  EXPECT_EQ(stats_count(stream->jitterbuffer(), "num-lost"), 0u);
  EXPECT_EQ(stats_count(stream->jitterbuffer(), "num-late"), 0u);
  EXPECT_EQ(stats_count(stream->jitterbuffer(), "num-duplicates"), 0u);
}

TEST_F(RtpbinContract, OvertakenPacketsComeOutInOrder) {
  RtpSession session{{}};
  session.media().swap_every(10);
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->recorder().wait_for_packets(300));
  expect_in_order(stream->recorder().packets());
  EXPECT_EQ(stats_count(stream->jitterbuffer(), "num-lost"), 0u);
}

struct Passed {
  const char* from;      // rtpbin's name
  const char* to;        // the jitter buffer's name
  const char* at_first;  // before the jitter buffer is made
  const char* later;     // while it runs; null for what rtpbin tells only once
};
constexpr Passed kPassed[]{
    {"latency", "latency", "321", "123"},
    {"drop-on-latency", "drop-on-latency", "true", "false"},
    {"do-lost", "do-lost", "true", "false"},
    {"do-retransmission", "do-retransmission", "true", "false"},
    {"max-rtcp-rtp-time-diff", "max-rtcp-rtp-time-diff", "777", "888"},
    {"max-dropout-time", "max-dropout-time", "5555", "6666"},
    {"max-misorder-time", "max-misorder-time", "444", "555"},
    {"max-ts-offset-adjustment", "max-ts-offset-adjustment", "9999", "8888"},
    {"add-reference-timestamp-meta", "add-reference-timestamp-meta", "true", "false"},
    {"rtcp-sync-interval", "sync-interval", "333", nullptr},
};

std::string text_of(GstElement* element, const char* property) {
  GValue value = G_VALUE_INIT;
  g_object_get_property(G_OBJECT(element), property, &value);
  const GMemory<char> text{gst_value_serialize(&value)};
  g_value_unset(&value);
  return text.get();
}

TEST_F(RtpbinContract, RtpbinsPropertiesReachTheBuffer) {
  RtpSession session{{.configure = [](GstElement* rtpbin) {
    for (const auto& property : kPassed)
      gst_util_set_object_arg(G_OBJECT(rtpbin), property.from, property.at_first);
  }}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  for (const auto& property : kPassed)
    EXPECT_EQ(text_of(stream->jitterbuffer(), property.to), property.at_first) << property.to;
  for (const auto& property : kPassed) {
    if (!property.later)
      continue;
    gst_util_set_object_arg(G_OBJECT(session.rtpbin()), property.from, property.later);
    EXPECT_EQ(text_of(stream->jitterbuffer(), property.to), property.later) << property.to;
  }
}

TEST_F(RtpbinContract, PayloadTypesAreAskedForOnceAndAgainAfterTheirMapIsCleared) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->recorder().wait_for_packets(50));
  EXPECT_EQ(stream->pt_map_requests(), 1u);
  g_signal_emit_by_name(session.rtpbin(), "clear-pt-map");
  ASSERT_TRUE(stream->wait_for_pt_map_requests(2));
  ASSERT_TRUE(stream->recorder().wait_for_more(50));
  EXPECT_EQ(stream->pt_map_requests(), 2u);
  expect_in_order(stream->recorder().packets());
}

TEST_F(RtpbinContract, SenderReportsGiveTheSyncThatStockGives) {
  RtpSession ours{{}};
  RtpSession stock{{.jitterbuffer = kStockJitterBuffer}};
  std::vector<FieldTypes> fields;
  for (auto* session : {&ours, &stock})
    session->start();
  for (auto* session : {&ours, &stock}) {
    const auto stream = session->wait_for_stream();
    ASSERT_TRUE(stream);
    ASSERT_TRUE(stream->wait_for_syncs(2));
    for (const auto& sync : stream->syncs()) {
      EXPECT_EQ(sync.clock_rate, 48000u);
      EXPECT_GE(sync.report_rtp_time, sync.base_rtp_time);
    }
    fields.push_back(stream->syncs().back().fields);
  }
  // GStreamer 1.26 has added it; an older rtpbin does not look at it.
  for (auto& named : fields)
    named.erase("npt-start");
  EXPECT_EQ(fields.front(), fields.back());
}

// Where rtpbin believes that a packet is in time, after a report: its own formula.
double predicted_pts(const RtpReceived::Sync& sync, guint32 rtp_time) {
  const auto ticks =
      static_cast<double>(static_cast<gint32>(rtp_time - static_cast<guint32>(sync.base_rtp_time)));
  return static_cast<double>(sync.base_time) + ticks / sync.clock_rate * 1e9;
}

TEST_F(RtpbinContract, SyncTellsWhereThePacketsAreInTime) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->wait_for_syncs(3));
  const auto sync = stream->syncs().back();
  ASSERT_TRUE(stream->recorder().wait_for_more(100));
  for (const auto& packet : stream->recorder().packets()) {
    // The estimate of the sender's clock goes on between a report and a packet; on this network
    // it has nothing to do.
    ASSERT_NEAR(static_cast<double>(packet.pts), predicted_pts(sync, packet.rtp_time), 5e6);
  }
}

TEST_F(RtpbinContract, SyncIsGivenAgainAfterItWasReset) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->wait_for_syncs(1));
  g_signal_emit_by_name(session.rtpbin(), "reset-sync");
  ASSERT_TRUE(stream->wait_for_syncs(stream->syncs().size() + 2));
  ASSERT_TRUE(stream->recorder().wait_for_more(50));
  expect_in_order(stream->recorder().packets());
}

// How far the PTS of a stream's last packet is ahead of the sender's NTP time of it.
double pts_minus_ntp(RtpReceived& stream) {
  const auto sync = stream.syncs().back();
  const auto packet = stream.recorder().packets().back();
  const auto ticks =
      static_cast<gint32>(packet.rtp_time - static_cast<guint32>(sync.report_rtp_time));
  // Relative to the report first: NTP nanoseconds since 1900 are too many digits for a double.
  return static_cast<double>(static_cast<gint64>(packet.pts - sync.report_ntp_time)) -
         static_cast<double>(ticks) / sync.clock_rate * 1e9;
}

TEST_F(RtpbinContract, TwoStreamsOfOneSenderMeetByItsReports) {
  RtpSession session{{.has_video = true}};
  // The picture takes a longer way than the sound.
  constexpr auto kDetour = 80ms;
  session.media(1).set_delay(10ms + kDetour);
  session.start();
  const auto audio = session.wait_for_stream(0);
  const auto video = session.wait_for_stream(1);
  ASSERT_TRUE(audio);
  ASSERT_TRUE(video);
  // rtpbin lets the earlier one wait for the later one, once it has a report of both.
  ASSERT_TRUE(audio->wait_for_ts_offset(40'000'000)) << audio->ts_offset();
  ASSERT_TRUE(audio->recorder().wait_for_more(200));
  ASSERT_TRUE(video->recorder().wait_for_more(15));
  EXPECT_EQ(video->ts_offset(), 0);
  // rtpbin ignores changes below 4 ms, and the machine adds delays of its own.
  EXPECT_NEAR(pts_minus_ntp(*audio), pts_minus_ntp(*video), 15e6);
}

TEST_F(RtpbinContract, NtpTimesInPacketsGiveTheSyncThatStockGives) {
  RtpSession ours{{.has_ntp = true}};
  RtpSession stock{{.jitterbuffer = kStockJitterBuffer, .has_ntp = true}};
  std::vector<FieldTypes> fields;
  for (auto* session : {&ours, &stock}) {
    session->reports().cut();
    session->start();
  }
  for (auto* session : {&ours, &stock}) {
    const auto stream = session->wait_for_stream();
    ASSERT_TRUE(stream);
    ASSERT_TRUE(stream->wait_for_syncs(50));
    const auto syncs = stream->syncs();
    for (const auto& sync : syncs) {
      // The sender's clock is ours, and its packets are made as time goes: RTP and NTP go together.
      const auto ticks = static_cast<double>(sync.packet_rtp_time - syncs[0].packet_rtp_time);
      const auto passed = static_cast<double>(sync.packet_ntp_time - syncs[0].packet_ntp_time);
      ASSERT_NEAR(passed, ticks / sync.clock_rate * 1e9, 100e6);
      ASSERT_GE(sync.packet_rtp_time, sync.base_rtp_time);
    }
    fields.push_back(syncs.back().fields);
  }
  // GStreamer 1.26 has added it; an older rtpbin does not look at it.
  for (auto& named : fields)
    named.erase("npt-start");
  EXPECT_EQ(fields.front(), fields.back());
}

TEST_F(RtpbinContract, TwoStreamsOfOneSenderMeetByNtpTimesInTheirPackets) {
  RtpSession session{{.has_video = true, .has_ntp = true}};
  constexpr auto kDetour = 80ms;
  session.media(1).set_delay(10ms + kDetour);
  for (const guint number : {0u, 1u})
    session.reports(number).cut();
  session.start();
  const auto audio = session.wait_for_stream(0);
  const auto video = session.wait_for_stream(1);
  ASSERT_TRUE(audio);
  ASSERT_TRUE(video);
  ASSERT_TRUE(audio->wait_for_ts_offset(40'000'000)) << audio->ts_offset();
  EXPECT_EQ(video->ts_offset(), 0);
}

// What leaves the streams of a session with losses but without repair.
struct Reported {
  FieldTypes request;
  FieldTypes lost;
};
Reported report_losses(const std::string& jitterbuffer) {
  RtpSession session{
      {.jitterbuffer = jitterbuffer, .seed = kSeed, .configure = [](GstElement* rtpbin) {
         g_object_set(rtpbin, "do-lost", TRUE, "do-retransmission", TRUE, "latency", 100, nullptr);
       }}};
  session.start();
  const auto stream = session.wait_for_stream();
  EXPECT_TRUE(stream);
  if (!stream)
    return {};
  EXPECT_TRUE(stream->recorder().wait_for_packets(50));
  session.media().lose(kLoss);
  EXPECT_TRUE(stream->wait_for_requests());
  EXPECT_TRUE(stream->recorder().wait_for_lost_events(3));
  EXPECT_GE(stats_count(stream->jitterbuffer(), "num-lost"), 3u);
  EXPECT_GE(stats_count(stream->jitterbuffer(), "rtx-count"), 3u);
  return {.request = stream->request_fields(), .lost = stream->recorder().lost_event_fields()};
}

TEST_F(RtpbinContract, LossesAndRequestsAreToldWithStocksFields) {
  const auto ours = report_losses(jitterbuffer_factory());
  const auto stock = report_losses(kStockJitterBuffer);
  EXPECT_EQ(ours.request, stock.request);
  EXPECT_EQ(ours.lost, stock.lost);
}

struct Way {
  std::chrono::milliseconds delay;  // of each direction
  guint latency_ms;
  // Packets until the losses count. Before the first repetition nobody knows how long one takes,
  // and a delay that adapts has not yet risen to it.
  unsigned learning;
};

class RtpbinRepair : public RtpbinContract, public testing::WithParamInterface<Way> {};

TEST_P(RtpbinRepair, FivePercentOfLossAreRepairedWithFewRequests) {
  const auto way = GetParam();
  RtpSession session{{.has_rtx = true,
                      .packets_per_second = 1000,
                      .delay = way.delay,
                      .seed = kSeed,
                      .configure = [&](GstElement* rtpbin) {
                        g_object_set(rtpbin, "latency", way.latency_ms, nullptr);
                      }}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  // No feedback leaves before the first regular report (RFC 4585 section 3.5.3).
  ASSERT_TRUE(session.feedback().wait_for_arrived(2));
  ASSERT_TRUE(stream->recorder().wait_for_packets(300));
  session.media().lose(kLoss);
  ASSERT_TRUE(stream->recorder().wait_for_more(way.learning));
  const auto while_learning = session.media().lost();
  ASSERT_TRUE(stream->recorder().wait_for_more(3500));
  session.media().lose(0);
  ASSERT_TRUE(stream->recorder().wait_for_more(500));

  std::set<guint16> came;
  for (const auto& packet : stream->recorder().packets())
    came.insert(packet.sequence);
  const auto asked = stream->requests();
  std::size_t all_lost = 0;
  std::size_t all_repaired = 0;
  std::size_t lost = 0;
  std::size_t repaired = 0;
  std::string never_came;
  for (const auto& packet : session.media().lost()) {
    if (packet.payload_type != RtpSession::kAudioType)
      continue;
    const bool counts = !while_learning.contains(packet);
    const bool is_repaired = came.contains(packet.sequence);
    ++all_lost;
    all_repaired += is_repaired ? 1 : 0;
    lost += counts ? 1 : 0;
    repaired += counts && is_repaired ? 1 : 0;
    if (!is_repaired)
      never_came +=
          (counts ? " " : " learning: ") + std::to_string(packet.sequence) + " (asked " +
          std::to_string(asked.contains(packet.sequence) ? asked.at(packet.sequence) : 0) +
          " times)";
  }
  std::size_t requests = 0;
  for (const auto& [sequence, count] : asked)
    requests += count;
  const auto per_loss = static_cast<double>(requests) / static_cast<double>(all_lost);
  RecordProperty("lost", static_cast<int>(all_lost));
  RecordProperty("repaired", static_cast<int>(all_repaired));
  RecordProperty("requests", static_cast<int>(requests));

  ASSERT_GT(lost, 120u) << "seed " << kSeed;
  EXPECT_GE(static_cast<double>(repaired), 0.99 * static_cast<double>(lost))
      << repaired << " of " << lost << " repaired, seed " << kSeed << ", not:" << never_came;
  auto* jitterbuffer = stream->jitterbuffer();
  EXPECT_EQ(stats_count(jitterbuffer, "num-lost"), all_lost - all_repaired);
  EXPECT_EQ(stats_count(jitterbuffer, "rtx-count"), requests);
  EXPECT_GE(stats_count(jitterbuffer, "rtx-success-count"), all_repaired);
  EXPECT_LE(stats_count(jitterbuffer, "rtx-success-count"), requests);
  EXPECT_GE(stats_count(jitterbuffer, "num-pushed"), 4000u);
  // A repetition takes the way there and back; a request may wait for its turn between two reports.
  const auto rtt = stats_count(jitterbuffer, "rtx-rtt");
  const auto shortest = static_cast<guint64>(std::chrono::nanoseconds{2 * way.delay}.count());
  EXPECT_GE(rtt, shortest);
  EXPECT_LE(rtt, shortest + 100 * GST_MSECOND);
  // One, another one where the repetition is lost too, and those for packets that were only late.
  EXPECT_LE(per_loss, 2.5) << requests << " requests for " << all_lost << " losses, seed " << kSeed;
}

INSTANTIATE_TEST_SUITE_P(Ways, RtpbinRepair,
                         testing::Values(Way{.delay = 10ms, .latency_ms = 200, .learning = 0},
                                         Way{.delay = 50ms, .latency_ms = 500, .learning = 1000}),
                         [](const auto& way) {
                           return "Of" + std::to_string(way.param.delay.count()) + "ms";
                         });

TEST_F(RtpbinContract, SetActiveTellsTheTimeOfTheLastPacket) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->recorder().wait_for_packets(50));
  const auto before = stream->recorder().packets().back().pts;
  guint64 last = GST_CLOCK_TIME_NONE;
  g_signal_emit_by_name(stream->jitterbuffer(), "set-active", TRUE, guint64{0}, &last);
  EXPECT_GE(last, before);
  EXPECT_LT(last, before + GST_SECOND);
}

TEST_F(RtpbinContract, TheEndOfAPresentationIsPassedOn) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  g_signal_emit_by_name(stream->jitterbuffer(), "on-npt-stop");
  EXPECT_TRUE(session.wait_for_signal("on-npt-stop"));
}

TEST_F(RtpbinContract, AfterAGoodbyeTheBufferIsRemoved) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->recorder().wait_for_packets(50));
  session.end();
  EXPECT_TRUE(session.wait_for_signal("on-bye-ssrc"));
  EXPECT_TRUE(session.wait_for_removed(1));
  expect_in_order(stream->recorder().packets());
  EXPECT_EQ(stream->recorder().packets().size(), session.media().sent())
      << "something is kept back";
}

TEST_F(RtpbinContract, AfterASilenceTheBufferIsRemoved) {
  RtpSession session{{}};
  session.start();
  const auto stream = session.wait_for_stream();
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->recorder().wait_for_packets(50));
  session.media().cut();
  session.reports().cut();
  EXPECT_TRUE(session.wait_for_signal("on-timeout"));
  EXPECT_TRUE(session.wait_for_removed(1));
}

TEST_F(RtpbinContract, RemovedTheBufferIsReplacedByANewOneWhenItsStreamGoesOn) {
  RtpSession session{{}};
  session.start();
  for (std::size_t number = 0; number < 5; ++number) {
    const auto stream = session.wait_for_stream(0, number);
    ASSERT_TRUE(stream) << number;
    ASSERT_TRUE(stream->recorder().wait_for_packets(20));
    expect_in_order(stream->recorder().packets());
    // rtpssrcdemux must not see a packet of an SSRC that it is just about to forget.
    session.without_arrivals(
        [&] { g_signal_emit_by_name(session.rtpbin(), "clear-ssrc", 0, stream->ssrc()); });
    GstState state = GST_STATE_PLAYING;
    gst_element_get_state(stream->jitterbuffer(), &state, nullptr, 0);
    EXPECT_EQ(state, GST_STATE_NULL);
  }
}

TEST_F(RtpbinContract, MediaFlowsAgainAfterTheReceiverHasBeenStopped) {
  RtpSession session{{}};
  session.start();
  for (std::size_t round = 0; round < 4; ++round) {
    // rtpbin forgets its streams, and asks for a new jitter buffer for each.
    const auto stream = session.wait_for_stream(0, round);
    ASSERT_TRUE(stream) << "round " << round;
    ASSERT_TRUE(stream->recorder().wait_for_packets(50)) << "round " << round;
    expect_in_order(stream->recorder().packets());
    session.restart_receiver();
  }
}

}  // namespace
}  // namespace onair::test
