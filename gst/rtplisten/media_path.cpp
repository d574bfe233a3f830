// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_path.hpp"

#include <utility>

#include <gst/rtp/rtp.h>

#include "glue/signals.hpp"

GST_DEBUG_CATEGORY_EXTERN(gst_rtp_listen_src_debug);
#define GST_CAT_DEFAULT gst_rtp_listen_src_debug

namespace onair::rtplisten {
namespace {

// One early feedback may be sent in an RTCP interval (RFC 4585 section 3.5.2), and that follows from the
// session's bandwidth: with rtpsession's 64 kbit/s, key frame requests would wait for half a second.
constexpr gdouble kBandwidth = 10e6;  // bit/s

// Packets are live, and none is older than its arrival.
gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

// Whoever has sent the packets can't be asked for anything this way.
gboolean on_upstream_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return FALSE;
}

GstPtr<GstPad> make_source_pad(const char* name) {
  auto pad = GstPtr<GstPad>::sink(gst_pad_new(name, GST_PAD_SRC));
  gst_pad_set_query_function(pad.get(), on_query);
  gst_pad_set_event_function(pad.get(), on_upstream_event);
  gst_pad_set_active(pad.get(), TRUE);
  return pad;
}

// Without the hierarchy that linking looks for: the pads belong to no element.
bool link(GstPad* from, GstPad* to) {
  return gst_pad_link_full(from, to, GST_PAD_LINK_CHECK_NOTHING) == GST_PAD_LINK_OK;
}

void push_start(GstPad* pad, const std::string& stream_id, guint group_id) {
  GstEvent* start = gst_event_new_stream_start(stream_id.c_str());
  gst_event_set_group_id(start, group_id);
  gst_pad_push_event(pad, start);
}

void push_segment(GstPad* pad) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(pad, gst_event_new_segment(&segment));
}

bool has_property(GstElement* element, const char* name) {
  return g_object_class_find_property(G_OBJECT_GET_CLASS(element), name) != nullptr;
}

}  // namespace

std::shared_ptr<MediaPath> MediaPath::create(Config config, const std::string& stream_id) {
  std::shared_ptr<MediaPath> path{new MediaPath{std::move(config)}};
  return path->build(stream_id) ? path : nullptr;
}

MediaPath::~MediaPath() = default;

bool MediaPath::build(const std::string& stream_id) {
  if (!make_jitterbuffer())
    return false;
  GstElement* buffer = jitterbuffer_.get();
  gst_bin_add(config_.bin, buffer);
  const auto out = GstPtr<GstPad>::adopt(gst_element_get_static_pad(buffer, "src"));
  constexpr auto kFirst = static_cast<GstPadProbeType>(
      GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);
  add_probe_weak(out.get(), kFirst, &MediaPath::on_first_packet, shared_from_this());
  auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(buffer, "sink"));
  gst_pad_add_probe(in.get(), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, accept_all_caps, nullptr,
                    nullptr);
  rtp_ = make_source_pad("rtp");
  if (config_.send_rtcp) {
    if (!add_rtcp(stream_id))
      return false;
    const auto session_out =
        GstPtr<GstPad>::adopt(gst_element_get_static_pad(session_.get(), "recv_rtp_src"));
    add_probe_weak(session_out.get(), GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, &MediaPath::on_request,
                   shared_from_this());
    gst_pad_link(session_out.get(), in.get());
    in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(session_.get(), "recv_rtp_sink"));
  }
  if (!link(rtp_.get(), in.get()) || !gst_element_sync_state_with_parent(buffer) ||
      (session_ && !gst_element_sync_state_with_parent(session_.get())))
    return false;
  push_start(rtp_.get(), stream_id, config_.group_id);
  return true;
}

// As rtpbin in webrtcbin sets them.
bool MediaPath::make_jitterbuffer() {
  jitterbuffer_ =
      GstPtr<GstElement>::sink(gst_element_factory_make(config_.jitterbuffer.c_str(), nullptr));
  GstElement* buffer = jitterbuffer_.get();
  if (!buffer)
    return false;
  for (const char* name : {"latency", "max-latency"}) {
    if (has_property(buffer, name))
      g_object_set(buffer, name, config_.latency_ms, nullptr);
  }
  for (const char* name : {"do-lost", "add-reference-timestamp-meta"}) {
    if (has_property(buffer, name))
      g_object_set(buffer, name, TRUE, nullptr);
  }
  if (has_property(buffer, "group"))
    g_object_set(buffer, "group", config_.group.c_str(), nullptr);
  return true;
}

bool MediaPath::add_rtcp(const std::string& stream_id) {
  session_ = GstPtr<GstElement>::sink(gst_element_factory_make("rtpsession", nullptr));
  GstElement* session = session_.get();
  if (!session)
    return false;
  // LearnedStream has been on probation already.
  g_object_set(session, "bandwidth", kBandwidth, "probation", 0u, nullptr);
  gst_util_set_object_arg(G_OBJECT(session), "rtp-profile", "avpf");
  gst_bin_add(config_.bin, session);
  const auto request = [session](const char* name) {
    return GstPtr<GstPad>::adopt(gst_element_request_pad_simple(session, name));
  };
  const auto rtp_in = request("recv_rtp_sink");
  const auto reports_in = request("recv_rtcp_sink");
  const auto reports_out = request("send_rtcp_src");
  const auto sync = GstPtr<GstPad>::adopt(gst_element_get_static_pad(session, "sync_src"));
  const auto sync_in =
      GstPtr<GstPad>::adopt(gst_element_request_pad_simple(jitterbuffer_.get(), "sink_rtcp"));
  if (sync_in)
    gst_pad_link(sync.get(), sync_in.get());

  feedback_ = GstPtr<GstPad>::sink(gst_pad_new("feedback", GST_PAD_SINK));
  const auto on_feedback = [](GstPad* pad, GstObject*, GstBuffer* raw) -> GstFlowReturn {
    const auto buffer = GstPtr<GstBuffer>::adopt(raw);
    static_cast<MediaPath*>(gst_pad_get_element_private(pad))->config_.send_rtcp(raw);
    return GST_FLOW_OK;
  };
  gst_pad_set_element_private(feedback_.get(), this);
  gst_pad_set_chain_function(feedback_.get(), on_feedback);
  gst_pad_set_active(feedback_.get(), TRUE);
  rtcp_ = make_source_pad("rtcp");
  if (!link(reports_out.get(), feedback_.get()) || !link(rtcp_.get(), reports_in.get()))
    return false;
  push_start(rtcp_.get(), stream_id + "/rtcp", config_.group_id);
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple("application/x-rtcp"));
  gst_pad_push_event(rtcp_.get(), gst_event_new_caps(caps.get()));
  push_segment(rtcp_.get());
  return true;
}

GstPtr<GstCaps> MediaPath::caps_of(const Source& source) const {
  const bool is_audio = config_.kind == MediaKind::Audio;
  auto caps = GstPtr<GstCaps>::adopt(gst_caps_new_simple(
      "application/x-rtp", "media", G_TYPE_STRING, is_audio ? "audio" : "video", "clock-rate",
      G_TYPE_INT, is_audio ? 48'000 : 90'000, "encoding-name", G_TYPE_STRING,
      is_audio ? "OPUS" : "H264", "payload", G_TYPE_INT, static_cast<gint>(source.payload_type),
      "ssrc", G_TYPE_UINT, source.ssrc, nullptr));
  if (session_ && !is_audio)
    gst_caps_set_simple(caps.get(), "rtcp-fb-nack-pli", G_TYPE_BOOLEAN, TRUE, nullptr);
  return caps;
}

void MediaPath::push(const Source& source, GstPtr<GstBuffer> packet) {
  const bool is_new = std::exchange(*source_.lock(), source) != source;
  if (is_new || !has_caps_)
    gst_pad_push_event(rtp_.get(), gst_event_new_caps(caps_of(source).get()));
  if (!std::exchange(has_caps_, true))
    push_segment(rtp_.get());
  gst_pad_push(rtp_.get(), packet.release());
}

void MediaPath::push_rtcp(GstPtr<GstBuffer> packet) {
  if (rtcp_)
    gst_pad_push(rtcp_.get(), packet.release());
}

// Streaming thread of the jitter buffer.
GstPadProbeReturn MediaPath::on_first_packet(GstPad* pad, GstPadProbeInfo*, gpointer data) {
  if (const auto self = strong_from<MediaPath>(data))
    self->let_out(pad);
  return GST_PAD_PROBE_REMOVE;
}

// A former session's pad may still be draining.
std::string MediaPath::free_pad_name() const {
  for (guint number = 0;; ++number) {
    auto name = std::string{to_string(config_.kind)} + "_" + std::to_string(number);
    if (!GstPtr<GstPad>::adopt(gst_element_get_static_pad(GST_ELEMENT(config_.bin), name.c_str())))
      return name;
  }
}

void MediaPath::let_out(GstPad* pad) {
  auto outlet = Outlet::create({.bin = config_.bin,
                                .pad_name = free_pad_name(),
                                .pad_template = config_.pad_template,
                                .rid = {}},
                               pad);
  if (!outlet)
    return;
  received_.set(ReceivedStream::create({.kind = config_.kind,
                                        .outlet = std::move(outlet),
                                        .keyframe_interval = config_.keyframe_interval,
                                        .jitterbuffer = jitterbuffer_,
                                        .now = config_.now},
                                       pad));
}

// rtpsession has to be told whom a request is for, as rtpbin tells it.
GstPadProbeReturn MediaPath::on_request(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const auto self = strong_from<MediaPath>(data);
  GstEvent* event = gst_pad_probe_info_get_event(info);
  if (!self || !gst_event_has_name(event, "GstForceKeyUnit"))
    return GST_PAD_PROBE_OK;
  const auto source = self->source_.get();
  event = gst_event_make_writable(event);
  gst_structure_set(gst_event_writable_structure(event), "ssrc", G_TYPE_UINT, source.ssrc,
                    "payload", G_TYPE_UINT, static_cast<guint>(source.payload_type), nullptr);
  GST_PAD_PROBE_INFO_DATA(info) = event;
  return GST_PAD_PROBE_OK;
}

std::shared_ptr<ReceivedStream> MediaPath::received() {
  return received_.get();
}

std::shared_ptr<Outlet> MediaPath::close(bool send_eos) {
  for (GstPad* pad : {rtp_.get(), rtcp_.get()}) {
    if (pad)
      gst_pad_set_active(pad, FALSE);
  }
  for (GstElement* element : {session_.get(), jitterbuffer_.get()}) {
    if (!element || !GST_OBJECT_PARENT(element))
      continue;
    gst_element_set_locked_state(element, TRUE);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_bin_remove(config_.bin, element);
  }
  if (feedback_)
    gst_pad_set_active(feedback_.get(), FALSE);
  const auto stream = received_.get();
  if (!stream)
    return nullptr;
  stream->forget_jitterbuffer();
  stream->outlet()->close(send_eos);
  return stream->outlet();
}

}  // namespace onair::rtplisten
