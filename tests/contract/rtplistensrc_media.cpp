// SPDX-License-Identifier: LGPL-2.1-or-later
// Stock encoders and payloaders send plain RTP to rtplistensrc, and stock depayloaders and decoders behind it make
// of it what decoders make of the same at the sender, from the first picture and the first sample to the last.
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "glue/gstptr.hpp"
#include "gst_environment.hpp"
#include "patience.hpp"

namespace onair::test {
namespace {

[[maybe_unused]] const auto* const kGStreamer =
    testing::AddGlobalTestEnvironment(new GstEnvironment);

constexpr std::size_t kPictures = 45;  // 1.5 s: two key frames
constexpr std::size_t kFrames = 75;    // the same of 20 ms

// Checksums of what a fakesink has got.
class Digests {
 public:
  void listen(GstElement* pipeline, const char* sink) {
    const auto element = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), sink));
    const auto take = +[](GstElement*, GstBuffer* buffer, GstPad*, gpointer data) {
      static_cast<Digests*>(data)->add(buffer);
    };
    g_signal_connect(element.get(), "handoff", G_CALLBACK(take), this);
  }
  std::vector<std::string> all() {
    const std::lock_guard lock{mutex_};
    return all_;
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    return more_.wait_for(lock, kPatience, [&] { return all_.size() >= count; });
  }

 private:
  void add(GstBuffer* buffer) {
    GstMapInfo map;
    ASSERT_TRUE(gst_buffer_map(buffer, &map, GST_MAP_READ));
    const GMemory<char> digest{g_compute_checksum_for_data(G_CHECKSUM_SHA1, map.data, map.size)};
    gst_buffer_unmap(buffer, &map);
    {
      const std::lock_guard lock{mutex_};
      all_.emplace_back(digest.get());
    }
    more_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<std::string> all_;
};

class Pipeline {
 public:
  explicit Pipeline(const std::string& line) {
    GError* raw = nullptr;
    pipeline_ = GstPtr<GstElement>::sink(gst_parse_launch(line.c_str(), &raw));
    const ErrorPtr error{raw};
    EXPECT_FALSE(error) << error->message;
  }
  ~Pipeline() { gst_element_set_state(get(), GST_STATE_NULL); }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  [[nodiscard]] GstElement* get() const { return pipeline_.get(); }
  void play() { gst_element_set_state(get(), GST_STATE_PLAYING); }
  // Empty at EOS, else the error.
  std::string wait_for_end() {
    const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(get()));
    const auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), static_cast<GstClockTime>(kPatience.count()) * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (!message)
      return "neither EOS nor an error";
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS)
      return {};
    GError* raw = nullptr;
    gst_message_parse_error(message.get(), &raw, nullptr);
    return ErrorPtr {
      raw
      } -> message;
  }

 private:
  GstPtr<GstElement> pipeline_;
};

std::string port_of(GstElement* element, const char* property) {
  guint port = 0;
  g_object_get(element, property, &port, nullptr);
  return std::to_string(port);
}

TEST(RtpListenSrcMedia, DecodesToWhatTheSenderDecodes) {
  const std::string decode_video =
      "rtph264depay ! video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! avdec_h264 "
      "max-threads=1 ! fakesink name=pictures sync=false "
      "async=false signal-handoffs=true ";
  const std::string decode_audio =
      "rtpopusdepay ! opusdec ! fakesink name=samples sync=false async=false signal-handoffs=true ";
  Pipeline receiver{"rtplistensrc name=rtp rtp.video_0 ! " + decode_video + "rtp.audio_0 ! " +
                    decode_audio};
  Digests pictures;
  Digests samples;
  pictures.listen(receiver.get(), "pictures");
  samples.listen(receiver.get(), "samples");
  receiver.play();
  const auto rtp = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(receiver.get()), "rtp"));

  Pipeline sender{
      "videotestsrc is-live=true pattern=smpte num-buffers=" + std::to_string(kPictures) +
      " ! video/x-raw,format=I420,width=320,height=240,framerate=30/1 "
      "! x264enc tune=zerolatency key-int-max=30 ! video/x-h264,profile=main "
      "! rtph264pay pt=102 ! tee name=v "
      "v. ! queue ! udpsink host=127.0.0.1 sync=false async=false port=" +
      port_of(rtp.get(), "current-video-port") + " v. ! queue ! " + decode_video +
      "audiotestsrc is-live=true wave=ticks samplesperbuffer=960 num-buffers=" +
      std::to_string(kFrames) +
      " ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt=111 ! tee name=a "
      "a. ! queue ! udpsink host=127.0.0.1 sync=false async=false port=" +
      port_of(rtp.get(), "current-audio-port") + " a. ! queue ! " + decode_audio};
  Digests sent_pictures;
  Digests sent_samples;
  sent_pictures.listen(sender.get(), "pictures");
  sent_samples.listen(sender.get(), "samples");
  sender.play();
  ASSERT_EQ(sender.wait_for_end(), "");
  ASSERT_EQ(sent_pictures.all().size(), kPictures);
  ASSERT_GE(sent_samples.all().size(), kFrames);

  EXPECT_TRUE(samples.wait_for(sent_samples.all().size()));
  EXPECT_TRUE(pictures.wait_for(kPictures));
  gst_element_send_event(receiver.get(), gst_event_new_eos());
  EXPECT_EQ(receiver.wait_for_end(), "");
  EXPECT_EQ(pictures.all(), sent_pictures.all());
  EXPECT_EQ(samples.all(), sent_samples.all());
}

}  // namespace
}  // namespace onair::test
