// SPDX-License-Identifier: LGPL-2.1-or-later
// live_writer PROPERTIES PICTURES: two renditions behind stock encoders, as fast as the processor allows,
// into one hlslivesink; to be killed. Writes a byte for each segment to its output. PICTURES -1: no end.
#include <cstdio>
#include <string>

#include <gst/gst.h>
#include <unistd.h>

#include "glue/gstptr.hpp"

int main(int argc, char** argv) {
  using onair::GstPtr;
  gst_init(&argc, &argv);
  if (argc != 3)
    return 2;
  const std::string pictures = argv[2];
  const auto video = [&pictures](int number) {
    return " videotestsrc num-buffers=" + pictures +
           " ! video/x-raw,format=I420,width=64,height=48,framerate=10/1 ! x264enc "
           "speed-preset=ultrafast tune=zerolatency key-int-max=10 ! h264parse ! queue ! "
           "hls.video_" +
           std::to_string(number);
  };
  // Nothing here is live: a thread that a busy machine keeps waiting has not died.
  const auto description =
      "hlslivesink name=hls balancer::max-wait=60000000000 " + std::string{argv[1]} + video(0) +
      video(1) + " audiotestsrc samplesperbuffer=4800 num-buffers=" + pictures +
      " ! audio/x-raw,rate=48000 ! lamemp3enc target=bitrate cbr=true bitrate=128 "
      "encoding-engine-quality=fast ! "
      "audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! hls.audio_0";
  GError* error = nullptr;
  const auto pipeline = GstPtr<GstElement>::sink(gst_parse_launch(description.c_str(), &error));
  if (!pipeline || error) {
    std::fprintf(stderr, "%s\n", error ? error->message : "no pipeline");
    return 2;
  }
  const auto bus = GstPtr<GstBus>::adopt(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  while (true) {
    const auto message = GstPtr<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), GST_CLOCK_TIME_NONE,
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS)
      break;
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message.get(), &error, nullptr);
      std::fprintf(stderr, "%s\n", error->message);
      return 1;
    }
    if (gst_message_has_name(message.get(), "hlslivesink-segment") &&
        ::write(STDOUT_FILENO, ".", 1) != 1)
      return 1;
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return 0;
}
