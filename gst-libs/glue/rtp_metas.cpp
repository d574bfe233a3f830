// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/rtp_metas.hpp"

#include <algorithm>

namespace onair {

RtpMetas::RtpMetas()
    : arrival_{GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-arrival"))},
      ntp_{GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-ntp"))},
      captured_ntp_{GstPtr<GstCaps>::adopt(
          gst_caps_new_simple("timestamp/x-ntp", "source", G_TYPE_STRING, "capture", nullptr))} {}

void RtpMetas::add_times(GstBuffer* buffer, std::uint32_t ssrc, std::uint32_t clock_rate,
                         MediaTime media, RunningTime arrival) {
  if (!rtp_ || ssrc != ssrc_ || clock_rate != clock_rate_) {
    rtp_ =
        GstPtr<GstCaps>::adopt(gst_caps_new_simple("timestamp/x-rtp", "ssrc", G_TYPE_UINT, ssrc,
                                                   "clock-rate", G_TYPE_UINT, clock_rate, nullptr));
    ssrc_ = ssrc;
    clock_rate_ = clock_rate;
  }
  gst_buffer_add_reference_timestamp_meta(buffer, rtp_.get(), to_gst(media.time_since_epoch()),
                                          GST_CLOCK_TIME_NONE);
  gst_buffer_add_reference_timestamp_meta(buffer, arrival_.get(), to_gst(arrival),
                                          GST_CLOCK_TIME_NONE);
}

void RtpMetas::add_ntp(GstBuffer* buffer, NtpTime ntp, NtpSource source) {
  GstCaps* reference = source == NtpSource::CaptureTime ? captured_ntp_.get() : ntp_.get();
  gst_buffer_add_reference_timestamp_meta(buffer, reference, to_gst(ntp.time_since_epoch()),
                                          GST_CLOCK_TIME_NONE);
}

std::optional<RtpTimes> read_rtp_times(GstBuffer* buffer) {
  static const GQuark rtp = g_quark_from_static_string("timestamp/x-rtp");
  static const GQuark arrival = g_quark_from_static_string("timestamp/x-arrival");
  static const GQuark ntp = g_quark_from_static_string("timestamp/x-ntp");
  RtpTimes times;
  int packets = 0;
  gpointer state = nullptr;
  while (const GstMeta* meta = gst_buffer_iterate_meta_filtered(
             buffer, &state, GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
    const auto* reference = reinterpret_cast<const GstReferenceTimestampMeta*>(meta);
    const auto value = to_duration(reference->timestamp);
    if (!value)
      continue;
    const GstStructure* structure = gst_caps_get_structure(reference->reference, 0);
    const GQuark name = gst_structure_get_name_id(structure);
    if (name == rtp && ++packets == 1) {
      guint ssrc = 0;
      gst_structure_get_uint(structure, "ssrc", &ssrc);
      times.ssrc = ssrc;
      times.media = MediaTime{*value};
    } else if (name == arrival) {
      const RunningTime at{*value};
      times.arrival = times.arrival ? std::min(*times.arrival, at) : at;
    } else if (name == ntp && packets <= 1 && !times.ntp) {
      times.ntp = NtpTime{*value};
      times.is_ntp_of_capture =
          g_strcmp0(gst_structure_get_string(structure, "source"), "capture") == 0;
    }
  }
  if (packets == 0)
    return std::nullopt;
  return times;
}

}  // namespace onair
