// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/rtp_metas.hpp"

#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "support/gst_environment.hpp"

namespace onair {
namespace {

using namespace std::chrono_literals;

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new test::GstEnvironment);

// The buffer's meta whose reference is of this media type; null if there is none.
GstReferenceTimestampMeta* meta_of(GstBuffer* buffer, const char* type) {
  const auto reference = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple(type));
  return gst_buffer_get_reference_timestamp_meta(buffer, reference.get());
}

guint uint_field(const GstCaps* caps, const char* field) {
  guint value = 0;
  EXPECT_TRUE(gst_structure_get_uint(gst_caps_get_structure(caps, 0), field, &value)) << field;
  return value;
}

GstPtr<GstBuffer> new_buffer() {
  return GstPtr<GstBuffer>::adopt(gst_buffer_new());
}

TEST(RtpMetas, ABufferRemembersItsMediaTimeAndItsArrival) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_times(buffer.get(), 0xffff'fffe, 90'000, MediaTime{5s + 1ns}, RunningTime{3s});
  const auto* rtp = meta_of(buffer.get(), "timestamp/x-rtp");
  ASSERT_TRUE(rtp);
  EXPECT_EQ(rtp->timestamp, 5 * GST_SECOND + 1);
  EXPECT_EQ(rtp->duration, GST_CLOCK_TIME_NONE);
  EXPECT_EQ(uint_field(rtp->reference, "ssrc"), 0xffff'fffe);
  EXPECT_EQ(uint_field(rtp->reference, "clock-rate"), 90'000u);
  const auto* arrival = meta_of(buffer.get(), "timestamp/x-arrival");
  ASSERT_TRUE(arrival);
  EXPECT_EQ(arrival->timestamp, 3 * GST_SECOND);
  EXPECT_FALSE(meta_of(buffer.get(), "timestamp/x-ntp")) << "nobody has told it";
}

TEST(RtpMetas, AnArrivalBeforeTheSegmentIsItsBeginning) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_times(buffer.get(), 1, 90'000, MediaTime{5s}, RunningTime{-1s});
  EXPECT_EQ(meta_of(buffer.get(), "timestamp/x-arrival")->timestamp, 0u);
}

TEST(RtpMetas, AnNtpTimeIsCountedFrom1900) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_ntp(buffer.get(), NtpTime{3'900'000'000s});
  const auto* ntp = meta_of(buffer.get(), "timestamp/x-ntp");
  ASSERT_TRUE(ntp);
  EXPECT_EQ(ntp->timestamp, 3'900'000'000 * GST_SECOND);
}

TEST(RtpMetas, AnNtpTimeOfCaptureIsFoundAsAnyOtherAndSaysWhatItIs) {
  RtpMetas metas;
  for (const bool is_captured : {false, true}) {
    const auto buffer = new_buffer();
    metas.add_times(buffer.get(), 1, 90'000, MediaTime{5s}, RunningTime{3s});
    using enum RtpMetas::NtpSource;
    metas.add_ntp(buffer.get(), NtpTime{1s}, is_captured ? CaptureTime : Report);
    const auto* ntp = meta_of(buffer.get(), "timestamp/x-ntp");
    ASSERT_TRUE(ntp);
    EXPECT_EQ(ntp->timestamp, GST_SECOND);
    EXPECT_STREQ(gst_structure_get_string(gst_caps_get_structure(ntp->reference, 0), "source"),
                 is_captured ? "capture" : nullptr);
    EXPECT_EQ(read_rtp_times(buffer.get())->ntp, NtpTime{1s});
    EXPECT_EQ(read_rtp_times(buffer.get())->is_ntp_of_capture, is_captured);
  }
}

TEST(RtpMetas, BuffersOfOneStreamShareTheirReference) {
  RtpMetas metas;
  const auto first = new_buffer();
  const auto second = new_buffer();
  metas.add_times(first.get(), 1, 90'000, MediaTime{1s}, RunningTime{1s});
  metas.add_times(second.get(), 1, 90'000, MediaTime{2s}, RunningTime{2s});
  for (const char* type : {"timestamp/x-rtp", "timestamp/x-arrival"})
    EXPECT_EQ(meta_of(first.get(), type)->reference, meta_of(second.get(), type)->reference)
        << "caps are not made for each packet";
}

TEST(RtpMetas, AnotherSsrcOrClockRateIsAnotherReference) {
  RtpMetas metas;
  const auto expect = [&](guint32 ssrc, guint32 rate) {
    const auto buffer = new_buffer();
    metas.add_times(buffer.get(), ssrc, rate, MediaTime{1s}, RunningTime{1s});
    const auto* rtp = meta_of(buffer.get(), "timestamp/x-rtp");
    EXPECT_EQ(uint_field(rtp->reference, "ssrc"), ssrc);
    EXPECT_EQ(uint_field(rtp->reference, "clock-rate"), rate);
  };
  expect(0, 0);  // which is what an unused RtpMetas might be thought to hold
  expect(1, 90'000);
  expect(2, 90'000);
  expect(2, 48'000);
  expect(1, 90'000);
}

TEST(RtpMetas, EarlierBuffersKeepTheirReferenceWhenTheStreamChanges) {
  const auto first = new_buffer();
  {
    RtpMetas metas;
    metas.add_times(first.get(), 1, 90'000, MediaTime{1s}, RunningTime{1s});
    const auto second = new_buffer();
    metas.add_times(second.get(), 2, 48'000, MediaTime{1s}, RunningTime{1s});
  }
  EXPECT_EQ(uint_field(meta_of(first.get(), "timestamp/x-rtp")->reference, "ssrc"), 1u);
}

TEST(RtpMetas, TheySurviveACopyOfTheBuffer) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_times(buffer.get(), 1, 90'000, MediaTime{5s}, RunningTime{3s});
  metas.add_ntp(buffer.get(), NtpTime{1s});
  const auto copy = GstPtr<GstBuffer>::adopt(gst_buffer_copy(buffer.get()));
  for (const char* type : {"timestamp/x-rtp", "timestamp/x-arrival", "timestamp/x-ntp"})
    EXPECT_TRUE(meta_of(copy.get(), type)) << type;
}

TEST(ReadRtpTimes, AreWhatWasWritten) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_times(buffer.get(), 0xffff'fffe, 90'000, MediaTime{5s + 1ns}, RunningTime{3s});
  auto times = read_rtp_times(buffer.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->ssrc, 0xffff'fffe);
  EXPECT_EQ(times->media, MediaTime{5s + 1ns});
  EXPECT_EQ(times->arrival, RunningTime{3s});
  EXPECT_FALSE(times->ntp);
  metas.add_ntp(buffer.get(), NtpTime{3'900'000'000s});
  times = read_rtp_times(buffer.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->ntp, NtpTime{3'900'000'000s});
}

TEST(ReadRtpTimes, AreNoneWithoutAnRtpTime) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  EXPECT_FALSE(read_rtp_times(buffer.get()));
  metas.add_ntp(buffer.get(), NtpTime{1s});
  EXPECT_FALSE(read_rtp_times(buffer.get()));
}

TEST(ReadRtpTimes, OfSeveralPacketsAreTheFirstRtpTimeAndTheEarliestArrival) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  const RunningTime arrivals[] = {RunningTime{305ms}, RunningTime{301ms}, RunningTime{310ms}};
  MediaTime media{5s};
  for (const auto arrival : arrivals) {
    metas.add_times(buffer.get(), 7, 90'000, media, arrival);
    metas.add_ntp(buffer.get(), NtpTime{1000s + media.time_since_epoch()});
    media += 1s;
  }
  const auto times = read_rtp_times(buffer.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->media, MediaTime{5s});
  EXPECT_EQ(times->arrival, RunningTime{301ms});
  EXPECT_EQ(times->ntp, NtpTime{1005s}) << "which belongs to the RTP time that is taken";
}

// The NTP time is of the packet's own RTP time: of two packets only the second may have one.
TEST(ReadRtpTimes, AnNtpTimeOfAnotherPacketThanTheRtpTimeIsNotTaken) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_times(buffer.get(), 7, 48'000, MediaTime{5s}, RunningTime{1s});
  metas.add_times(buffer.get(), 7, 48'000, MediaTime{6s}, RunningTime{2s});
  metas.add_ntp(buffer.get(), NtpTime{1006s});
  const auto times = read_rtp_times(buffer.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->media, MediaTime{5s});
  EXPECT_FALSE(times->ntp);
}

TEST(ReadRtpTimes, AForeignReferenceIsPassedOver) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  const auto foreign = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-unix"));
  gst_buffer_add_reference_timestamp_meta(buffer.get(), foreign.get(), 1, GST_CLOCK_TIME_NONE);
  metas.add_times(buffer.get(), 7, 48'000, MediaTime{5s}, RunningTime{1s});
  gst_buffer_add_reference_timestamp_meta(buffer.get(), foreign.get(), 0, 1);
  const auto times = read_rtp_times(buffer.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->media, MediaTime{5s});
  EXPECT_EQ(times->arrival, RunningTime{1s});
}

TEST(ReadRtpTimes, WithoutAnArrivalOrAnSsrcAreReadAllTheSame) {
  const auto buffer = new_buffer();
  const auto rtp = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-rtp"));
  gst_buffer_add_reference_timestamp_meta(buffer.get(), rtp.get(), 5 * GST_SECOND,
                                          GST_CLOCK_TIME_NONE);
  const auto times = read_rtp_times(buffer.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->ssrc, 0u);
  EXPECT_EQ(times->media, MediaTime{5s});
  EXPECT_FALSE(times->arrival);
}

TEST(ReadRtpTimes, SurviveACopyOfTheBuffer) {
  RtpMetas metas;
  const auto buffer = new_buffer();
  metas.add_times(buffer.get(), 1, 90'000, MediaTime{5s}, RunningTime{3s});
  const auto copy = GstPtr<GstBuffer>::adopt(gst_buffer_copy(buffer.get()));
  const auto times = read_rtp_times(copy.get());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->arrival, RunningTime{3s});
}

}  // namespace
}  // namespace onair
