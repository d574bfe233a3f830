// SPDX-License-Identifier: LGPL-2.1-or-later
#include "glue/rtp_metas.hpp"

namespace onair {

RtpMetas::RtpMetas()
    : arrival_{GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-arrival"))},
      ntp_{GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("timestamp/x-ntp"))} {}

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

void RtpMetas::add_ntp(GstBuffer* buffer, NtpTime ntp) {
  gst_buffer_add_reference_timestamp_meta(buffer, ntp_.get(), to_gst(ntp.time_since_epoch()),
                                          GST_CLOCK_TIME_NONE);
}

}  // namespace onair
