// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "glue/guarded.hpp"
#include "patience.hpp"
#include "reference_timestamp.hpp"
#include "rtp_sender.hpp"
#include "whip_pipeline.hpp"

namespace onair::test {

using Manner = PadSink::Manner;

// For what surely comes, and what nothing tells of.
inline bool eventually(const std::function<bool()>& is_true) {
  const auto patience = g_get_monotonic_time() + kPatience.count() * G_USEC_PER_SEC;
  while (!is_true()) {
    if (g_get_monotonic_time() > patience)
      return false;
    g_usleep(1000);
  }
  return true;
}

// A pipeline with one rtplistensrc, which is called "whip" in `consumers`. It takes any free ports for sound
// and picture.
class RtpPipeline : public WhipPipeline {
 public:
  explicit RtpPipeline(const std::string& properties = {}, Choice choice = {},
                       const std::string& consumers = {})
      : WhipPipeline{{.head = "rtplistensrc", .message = "rtp-session"},
                     properties,
                     std::move(choice),
                     consumers} {}

  [[nodiscard]] guint port_of(const char* medium) const {  // "audio", "video-rtcp", ...
    guint port = 0;
    g_object_get(element(), ("current-" + std::string{medium} + "-port").c_str(), &port, nullptr);
    return port;
  }
  // Of packets that were refused for this reason, or of all.
  guint64 refused(const char* why = nullptr) {
    const auto all = stats();
    if (!why)
      return uint64_field(all.get(), "refused-packets");
    const GValue* field = gst_structure_get_value(all.get(), "refused");
    return uint64_field(field ? gst_value_get_structure(field) : nullptr, why);
  }
  // Waits until so many have been; false when it does not come to that.
  bool wait_until_refused(const char* why, guint64 count) {
    return eventually([&] { return refused(why) >= count; }) && refused(why) == count;
  }
};

// What one publisher sends through an SFU: sound and picture.
class Forwarded {
 public:
  explicit Forwarded(const std::string& properties = {}, WhipPipeline::Choice choice = {},
                     bool has_test_clock = false)
      : rtp{properties, std::move(choice)} {
    if (has_test_clock)
      rtp.use_test_clock();
    EXPECT_NE(rtp.reach(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  }
  void send(unsigned count = 1) {
    send_audio(count);
    send_video(count);
  }
  void send_audio(unsigned count = 1) { audio.send(rtp.port_of("audio"), count); }
  void send_video(unsigned count = 1) { video.send(rtp.port_of("video"), count); }

  RtpPipeline rtp;
  RtpSender audio{RtpSender::audio()};
  RtpSender video{RtpSender::video()};
};

// The buffers that a pad has got, kept.
class Kept {
 public:
  explicit Kept(GstPad* pad) : pad_{GstPtr<GstPad>::share(pad)} {
    using Shared = std::shared_ptr<Guarded<Buffers>>;
    const auto keep = [](GstPad*, GstPadProbeInfo* info, gpointer data) {
      auto buffer = GstPtr<GstBuffer>::share(gst_pad_probe_info_get_buffer(info));
      (*static_cast<Shared*>(data))->lock()->push_back(std::move(buffer));
      return GST_PAD_PROBE_OK;
    };
    // A probe that is removed may still be running.
    probe_ = gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, keep, new Shared{buffers_},
                               [](gpointer data) { delete static_cast<Shared*>(data); });
  }
  ~Kept() { gst_pad_remove_probe(pad_.get(), probe_); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

  using Buffers = std::vector<GstPtr<GstBuffer>>;
  Buffers buffers() { return buffers_->get(); }

 private:
  GstPtr<GstPad> pad_;
  gulong probe_ = 0;
  std::shared_ptr<Guarded<Buffers>> buffers_ = std::make_shared<Guarded<Buffers>>();
};

// The consumer of a pad; the test ends here when it does not come.
#define REQUIRE_PAD(variable, rtp, name)          \
  const auto variable = (rtp).wait_for_pad(name); \
  ASSERT_TRUE(variable) << (name) << " did not appear"

// Waits until a pad has got so many packets in all.
#define EXPECT_PACKETS(sink, count)                                                    \
  EXPECT_TRUE((sink)->wait([&](const auto& seen) { return seen.buffers >= (count); })) \
      << (sink)->seen().buffers << " of " << (count)

}  // namespace onair::test
