// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtcingest/session_settings.hpp"

#include "glue/element_clock.hpp"
#include "glue/gsttime.hpp"

namespace onair {

PublisherPlace::Config make_config(GstBin* bin, const SessionSettings& settings) {
  auto* element_class = GST_ELEMENT_GET_CLASS(bin);
  const bool has_range = settings.min_rtp_port != 0 || settings.max_rtp_port != 65535;
  const auto duration = [](GstClockTime time) {
    return to_duration(time).value_or(Duration::zero());
  };
  return {
      .session = {.bin = bin,
                  .audio_template = gst_element_class_get_pad_template(element_class, "audio_%u"),
                  .video_template = gst_element_class_get_pad_template(element_class, "video_%u"),
                  .jitterbuffer = settings.jitterbuffer,
                  .latency_ms = settings.latency_ms,
                  .stun_server = settings.stun_server,
                  .turn_server = settings.turn_server,
                  .min_port = has_range ? settings.min_rtp_port : 0,
                  .max_port = has_range ? settings.max_rtp_port : 0,
                  .keyframe_interval = duration(settings.keyframe_interval),
                  .gathering_timeout = duration(settings.gathering_timeout),
                  .liveness = {.connect_timeout = duration(settings.connect_timeout),
                               .idle_timeout = duration(settings.idle_timeout),
                               .silence_time = duration(settings.silence_time)},
                  .now = [bin] { return clock_now(GST_ELEMENT(bin)); }},
      .takeover_time = duration(settings.takeover_time),
      .send_eos = settings.send_eos};
}

std::vector<RequiredElement> required_elements(const SessionSettings& settings) {
  return {{"webrtcbin", "gstreamer1.0-plugins-bad"},
          {"dtlssrtpdec", "gstreamer1.0-plugins-bad"},
          {"srtpdec", "gstreamer1.0-plugins-bad"},
          {"errorignore", "gstreamer1.0-plugins-bad"},
          {"nicesrc", "gstreamer1.0-nice"},
          {"rtpbin", "gstreamer1.0-plugins-good"},
          {settings.jitterbuffer, "the plugin that has it"}};
}

}  // namespace onair
