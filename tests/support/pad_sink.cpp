// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pad_sink.hpp"

#include <span>

#include <gst/rtp/rtp.h>

#include "rtcingest/keyframe.hpp"

namespace onair::test {
namespace {

PadSink* self_of(GstPad* pad) {
  return static_cast<PadSink*>(gst_pad_get_element_private(pad));
}

}  // namespace

PadSink::PadSink(Manner manner)
    : manner_{manner}, pad_{GstPtr<GstPad>::sink(gst_pad_new("sink", GST_PAD_SINK))} {
  gst_pad_set_element_private(pad_.get(), this);
  gst_pad_set_chain_function(pad_.get(), on_buffer);
  gst_pad_set_event_function(pad_.get(), on_event);
  gst_pad_set_query_function(pad_.get(), on_query);
  gst_pad_set_active(pad_.get(), TRUE);
}

PadSink::~PadSink() {
  if (const auto peer = GstPtr<GstPad>::adopt(gst_pad_get_peer(pad_.get())))
    gst_pad_unlink(peer.get(), pad_.get());
  stop();
}

void PadSink::stop() {
  // Deactivation waits for the streaming thread, so the pad is made to refuse first.
  gst_pad_send_event(pad_.get(), gst_event_new_flush_start());
  release();
  gst_pad_set_active(pad_.get(), FALSE);
}

PadSink::Seen PadSink::seen() {
  const std::lock_guard lock{mutex_};
  return seen_;
}

bool PadSink::wait(const std::function<bool(const Seen&)>& is_true,
                   std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] { return is_true(seen_); });
}

bool PadSink::wait_for_more(guint64 count) {
  const auto goal = seen().buffers + count;
  return wait([goal](const Seen& seen) { return seen.buffers >= goal; });
}

void PadSink::release() {
  {
    const std::lock_guard lock{mutex_};
    is_released_ = true;
  }
  changed_.notify_all();
}

GstFlowReturn PadSink::on_buffer(GstPad* pad, GstObject*, GstBuffer* raw) {
  auto* self = self_of(pad);
  const auto buffer = GstPtr<GstBuffer>::adopt(raw);
  bool is_idr = false;
  guint16 sequence = 0;
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (gst_rtp_buffer_map(raw, GST_MAP_READ, &rtp)) {
    const auto* data = static_cast<const std::uint8_t*>(gst_rtp_buffer_get_payload(&rtp));
    is_idr = carries_idr(std::span{data, gst_rtp_buffer_get_payload_len(&rtp)});
    sequence = gst_rtp_buffer_get_seq(&rtp);
    gst_rtp_buffer_unmap(&rtp);
  }
  std::unique_lock lock{self->mutex_};
  auto& seen = self->seen_;
  ++seen.buffers;
  if (seen.last_sequence)
    seen.missing += gst_rtp_buffer_compare_seqnum(*seen.last_sequence, sequence) - 1;
  seen.last_sequence = sequence;
  seen.idrs += is_idr ? 1 : 0;
  seen.packets_before_idr += seen.idrs == 0 ? 1 : 0;
  seen.has_buffer_after_eos = seen.has_buffer_after_eos || seen.has_eos;
  seen.is_blocking = self->manner_ == Manner::Blocks && !self->is_released_;
  self->changed_.notify_all();
  if (self->manner_ == Manner::Fails)
    return GST_FLOW_ERROR;
  if (self->manner_ == Manner::Blocks)
    self->changed_.wait(lock, [self] { return self->is_released_; });
  seen.is_blocking = false;
  return GST_FLOW_OK;
}

gboolean PadSink::on_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = self_of(pad);
  {
    std::unique_lock lock{self->mutex_};
    auto& seen = self->seen_;
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_STREAM_START:
        seen.has_stream_start = true;
        break;
      case GST_EVENT_SEGMENT:
        seen.has_segment = true;
        self->changed_.notify_all();
        if (self->manner_ == Manner::Ponders)
          self->changed_.wait(lock, [self] { return self->is_released_; });
        break;
      case GST_EVENT_EOS:
        seen.has_eos = true;
        break;
      case GST_EVENT_CAPS: {
        GstCaps* caps = nullptr;
        gst_event_parse_caps(event, &caps);
        seen.caps = GMemory<char>{gst_caps_to_string(caps)}.get();
        break;
      }
      default:
        break;
    }
  }
  self->changed_.notify_all();
  gst_event_unref(event);
  return TRUE;
}

gboolean PadSink::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  // The default takes only the caps that it has already.
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS && self_of(pad)->manner_ != Manner::Settles) {
    gst_query_set_accept_caps_result(query, TRUE);
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

}  // namespace onair::test
