// SPDX-License-Identifier: LGPL-2.1-or-later
#include "messages.hpp"

#include <gtest/gtest.h>

#include "glue/gstptr.hpp"

namespace live::test {
namespace {

using onair::GstPtr;

GstPtr<GstMessage> overload(bool is_down, int num, int den) {
  return GstPtr<GstMessage>::adopt(gst_message_new_element(
      nullptr,
      gst_structure_new("abrladder-overload", "rendition", G_TYPE_UINT, 1u, "name", G_TYPE_STRING,
                        "hls-1", "fps", GST_TYPE_FRACTION, num, den, "degraded", G_TYPE_BOOLEAN,
                        is_down ? TRUE : FALSE, "steps", G_TYPE_UINT, 1u, "behind", G_TYPE_UINT64,
                        guint64{460'000'000}, nullptr)));
}

class Messages : public testing::Test {
 protected:
  static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
};

TEST_F(Messages, FramesThatAreLeftOutAreTold) {
  EXPECT_EQ(line_for(overload(true, 15, 1).get()),
            "rendition 1: at most 15 frames a second, as encoders are 0.5 s behind");
  EXPECT_EQ(line_for(overload(true, 15, 2).get()),
            "rendition 1: at most 7.5 frames a second, as encoders are 0.5 s behind");
}

TEST_F(Messages, SoIsTheirReturn) {
  EXPECT_EQ(line_for(overload(false, 30, 1).get()), "rendition 1: up to 30 frames a second again");
}

TEST_F(Messages, AWarningIsOneLine) {
  GError* raw = g_error_new_literal(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
                                    "x264enc has failed (no\nmemory); openh264enc goes on.");
  const onair::ErrorPtr error{raw};
  const auto message =
      GstPtr<GstMessage>::adopt(gst_message_new_warning(nullptr, raw, "gstx264enc.c(1)"));
  EXPECT_EQ(line_for(message.get()), "x264enc has failed (no memory); openh264enc goes on.");
}

TEST_F(Messages, OfOthersNothingIsSaid) {
  const auto eos = GstPtr<GstMessage>::adopt(gst_message_new_eos(nullptr));
  EXPECT_EQ(line_for(eos.get()), std::nullopt);
  const auto other = GstPtr<GstMessage>::adopt(
      gst_message_new_element(nullptr, gst_structure_new_empty("hlslivesink-segment")));
  EXPECT_EQ(line_for(other.get()), std::nullopt);
}

}  // namespace
}  // namespace live::test
