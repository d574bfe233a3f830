// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtp_recorder.hpp"

#include <gst/rtp/rtp.h>

#include "patience.hpp"

namespace onair::test {

RtpRecorder::RtpRecorder() : pad_{GstPtr<GstPad>::sink(gst_pad_new("sink", GST_PAD_SINK))} {
  gst_pad_set_element_private(pad_.get(), this);
  gst_pad_set_chain_function(pad_.get(), on_buffer);
  gst_pad_set_event_function(pad_.get(), on_event);
  gst_pad_set_active(pad_.get(), TRUE);
}

RtpRecorder::~RtpRecorder() {
  if (const auto peer = GstPtr<GstPad>::adopt(gst_pad_get_peer(pad_.get())))
    gst_pad_unlink(peer.get(), pad_.get());
  gst_pad_set_active(pad_.get(), FALSE);
}

std::vector<RtpRecorder::Packet> RtpRecorder::packets() {
  const std::lock_guard lock{mutex_};
  return packets_;
}

FieldTypes RtpRecorder::lost_event_fields() {
  const std::lock_guard lock{mutex_};
  return lost_event_fields_;
}

guint64 RtpRecorder::lost_events() {
  const std::lock_guard lock{mutex_};
  return lost_events_;
}

bool RtpRecorder::wait(const std::function<bool()>& is_true) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, kPatience, is_true);
}

bool RtpRecorder::wait_for_packets(std::size_t count) {
  return wait([&] { return packets_.size() >= count; });
}

bool RtpRecorder::wait_for_more(std::size_t count) {
  return wait_for_packets(packets().size() + count);
}

bool RtpRecorder::wait_for_lost_events(guint64 count) {
  return wait([&] { return lost_events_ >= count; });
}

GstFlowReturn RtpRecorder::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = static_cast<RtpRecorder*>(gst_pad_get_element_private(pad));
  const auto buffer = GstPtr<GstBuffer>::adopt(raw);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map(raw, GST_MAP_READ, &rtp))
    return GST_FLOW_ERROR;
  const Packet packet{.ssrc = gst_rtp_buffer_get_ssrc(&rtp),
                      .payload_type = gst_rtp_buffer_get_payload_type(&rtp),
                      .sequence = gst_rtp_buffer_get_seq(&rtp),
                      .rtp_time = gst_rtp_buffer_get_timestamp(&rtp),
                      .pts = GST_BUFFER_PTS(raw),
                      .is_discont = GST_BUFFER_IS_DISCONT(raw) != FALSE};
  gst_rtp_buffer_unmap(&rtp);
  {
    const std::lock_guard lock{self->mutex_};
    self->packets_.push_back(packet);
  }
  self->changed_.notify_all();
  return GST_FLOW_OK;
}

gboolean RtpRecorder::on_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = static_cast<RtpRecorder*>(gst_pad_get_element_private(pad));
  const GstStructure* structure = gst_event_get_structure(event);
  if (structure && gst_structure_has_name(structure, "GstRTPPacketLost")) {
    const std::lock_guard lock{self->mutex_};
    self->lost_event_fields_ = field_types(structure);
    ++self->lost_events_;
    self->changed_.notify_all();
  }
  gst_event_unref(event);
  return TRUE;
}

}  // namespace onair::test
