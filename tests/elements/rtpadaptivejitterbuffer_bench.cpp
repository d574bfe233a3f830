// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtpadaptivejitterbuffer_bench.hpp"

#include <gst/rtp/gstrtpbuffer.h>
#include <gtest/gtest.h>

namespace onair::test {
namespace {

std::string name_packet(GstBuffer* buffer) {
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  EXPECT_TRUE(gst_rtp_buffer_map(buffer, GST_MAP_READ, &rtp));
  const guint16 sequence = gst_rtp_buffer_get_seq(&rtp);
  gst_rtp_buffer_unmap(&rtp);
  return "#" + std::to_string(static_cast<gint16>(sequence - RtpPacket{0}.sequence));
}

}  // namespace

GstPtr<GstBuffer> RtpPacket::make() const {
  auto buffer = GstPtr<GstBuffer>::adopt(gst_rtp_buffer_new_allocate(payload_size, padding, 0));
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gst_rtp_buffer_map(buffer.get(), GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_ssrc(&rtp, ssrc);
  gst_rtp_buffer_set_seq(&rtp, sequence);
  gst_rtp_buffer_set_timestamp(&rtp, rtp_time);
  gst_rtp_buffer_set_payload_type(&rtp, payload_type);
  gst_rtp_buffer_set_marker(&rtp, marker);
  if (!extension.empty()) {
    const auto size = static_cast<guint>(extension.size());
    const gboolean added = extension_form == Form::OneByte
                               ? gst_rtp_buffer_add_extension_onebyte_header(&rtp, extension_id,
                                                                             extension.data(), size)
                               : gst_rtp_buffer_add_extension_twobytes_header(
                                     &rtp, 0, extension_id, extension.data(), size);
    EXPECT_TRUE(added);
  }
  gst_rtp_buffer_unmap(&rtp);
  if (arrival)
    GST_BUFFER_DTS(buffer.get()) = ns(*arrival);
  if (is_retransmission)
    GST_BUFFER_FLAG_SET(buffer.get(), GST_RTP_BUFFER_FLAG_RETRANSMISSION);
  return buffer;
}

JitterBufferBench::JitterBufferBench(const std::string& properties, Start start)
    : ElementBench{"rtpadaptivejitterbuffer " + properties}, PadRecorder{clock(), name_packet} {
  notes_queries = true;
  feed(static_pad("sink").get());
  record(static_pad("src").get());
  set_state(start == Start::Playing ? GST_STATE_PLAYING : GST_STATE_READY);
  if (start == Start::Playing)
    open();
}

JitterBufferBench::~JitterBufferBench() {
  unblock();
  stop_feeding();
  set_state(GST_STATE_NULL);
}

GstFlowReturn JitterBufferBench::push(const RtpPacket& packet) {
  if (packet.arrival)
    set_time(*packet.arrival);
  return push_buffer(packet.make());
}

void JitterBufferBench::push_all(std::int64_t from, std::int64_t to) {
  for (std::int64_t n = from; n <= to; ++n)
    ASSERT_EQ(push(n), GST_FLOW_OK) << "packet " << n;
}

}  // namespace onair::test
