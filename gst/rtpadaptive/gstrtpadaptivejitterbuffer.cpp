// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtpadaptivejitterbuffer
 * @title: rtpadaptivejitterbuffer
 * @short_description: RTP jitter buffer whose latency follows the network
 *
 * Orders the packets of one RTP stream, asks for missing ones again, and waits for them as long as
 * the network makes it worth while, and no longer. A drop-in for stock `rtpjitterbuffer`: in a
 * pipeline, in `rtpbin` and in `webrtcbin` (both by the signal `request-jitterbuffer` of `rtpbin`).
 *
 * A packet is due at its media time + L: on time it waits L, late by half of L it waits half of L,
 * later than L it passes at once. L moves between #GstRtpAdaptiveJitterBuffer:min-latency and
 * #GstRtpAdaptiveJitterBuffer:max-latency so that the share of late packets stays at
 * #GstRtpAdaptiveJitterBuffer:late-target: up at once when packets are late, down slowly when the
 * network has calmed. With #GstRtpAdaptiveJitterBuffer:release `paced` every packet waits until it
 * is due, for a consumer that follows the clock. With `eager` packets that are in order pass at
 * once, and L (steered by #GstRtpAdaptiveJitterBuffer:loss-target) is only how long a hole may hold
 * up the rest: the least delay, for a consumer that follows timestamps, such as an HLS writer.
 *
 * Timestamps have nothing to do with any of this: PTS = RTP time on the sender's media clock, whose
 * drift against ours is followed (a few ppm a second, never a step). They are the same, to the
 * nanosecond, whatever L does and however long the network stalls. Only a new stream (another SSRC,
 * a sender that starts again, RTP time that leaps by seconds) begins a new time line; its first
 * buffer has the flags DISCONT and RESYNC.
 *
 * Every buffer carries `timestamp/x-rtp` and `timestamp/x-arrival` reference timestamp metas, and
 * `timestamp/x-ntp` once a sender report has come, or a packet with the header extension ntp-64 (RFC
 * 6051) or abs-capture-time, if the caps name it (`extmap-N`). Capture times are preferred while they
 * come, and the caps of the meta have `source=(string)capture` then.
 *
 * What the sender says of time is told by the signal `handle-sync`, as stock tells it: reports, ntp-64
 * where the CNAME is known too, and RTP-Info where there is neither.
 *
 * Where the caps name the first packet, as `rtspsrc` does by what the server says (RTP-Info:
 * `seqnum-base`, `clock-base`), packets from before it are dropped, and those missing between it and
 * the first that arrives are waited for, asked for and reported as any others. What cannot be true is
 * not heeded: a packet more than 3000 numbers or an RTP time more than 10 s away, or one that has not
 * come after a second of packets from before it.
 *
 * Where they name the range too (`npt-start` and `npt-stop`, in nanoseconds), the stream ends by
 * itself (signal `on-npt-stop`, and EOS), since servers need not say that they have sent all: when the
 * range has been played, #GstRtpAdaptiveJitterBuffer:max-latency has passed and for a second nothing
 * has come. What comes until then is played, beyond the range too. Not so where `play-speed` or
 * `play-scale` is other than 1. The answer to a position query begins at `npt-start`.
 *
 * An arriving packet's time is its DTS, else its PTS, else the clock's. The latency query is
 * answered with the maximum, so that nothing downstream is ever configured anew.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e udpsrc port=5004 \
 *     caps="application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111" \
 *   ! rtpadaptivejitterbuffer release=paced do-lost=true ! rtpopusdepay ! opusdec plc=true \
 *   ! audioconvert ! wavenc ! filesink location=call.wav \
 *   audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000 \
 *   ! opusenc ! rtpopuspay pt=111 ! udpsink port=5004 host=127.0.0.1 async=false
 * ]| Sends a tone over the loopback interface and records what arrives, until Ctrl-C.
 *
 * Since: 0.1
 */

#include "gstrtpadaptivejitterbuffer.h"

#include <array>
#include <memory>
#include <utility>

#include "receiver.hpp"
#include "settings.hpp"

GST_DEBUG_CATEGORY(gst_rtp_adaptive_jitter_buffer_debug);
#define GST_CAT_DEFAULT gst_rtp_adaptive_jitter_buffer_debug

using onair::GstPtr;
using onair::JitterBufferSettings;
using onair::LatencyController;
using onair::Receiver;

#define GST_TYPE_RTP_ADAPTIVE_RELEASE (gst_rtp_adaptive_release_get_type())
static GType gst_rtp_adaptive_release_get_type() {
  using enum LatencyController::Release;
  static const GEnumValue values[] = {
      {static_cast<int>(Paced), "Every packet when it is due", "paced"},
      {static_cast<int>(Eager), "Packets that are in order at once", "eager"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstRtpAdaptiveRelease", values);
  return type;
}

struct _GstRtpAdaptiveJitterBuffer {
  GstElement parent;
  GstPad* sink;
  GstPad* src;
  GstPad* rtcp_sink;  // object lock
  Receiver* receiver;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));
static GstStaticPadTemplate rtcp_sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink_rtcp", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS("application/x-rtcp"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("application/x-rtp"));

// Behind the table of properties: the enumeration and what is read-only.
enum : guint { kReleaseFromEnd = 1, kCurrentLatencyFromEnd, kStatsFromEnd };
static guint property_id(guint from_end) {
  return static_cast<guint>(onair::jitter_buffer_properties().size()) + from_end;
}

#define gst_rtp_adaptive_jitter_buffer_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstRtpAdaptiveJitterBuffer, gst_rtp_adaptive_jitter_buffer, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    rtpadaptivejitterbuffer, "rtpadaptivejitterbuffer", GST_RANK_NONE,
    GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER,
    GST_DEBUG_CATEGORY_INIT(gst_rtp_adaptive_jitter_buffer_debug, "rtpadaptivejitterbuffer", 0,
                            "RTP jitter buffer whose latency follows the network"))

// ---- sink

static GstFlowReturn gst_rtp_adaptive_jitter_buffer_chain(GstPad*, GstObject* parent,
                                                          GstBuffer* buffer) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  return self->receiver->on_packet(GstPtr<GstBuffer>::adopt(buffer));
}

static GstFlowReturn gst_rtp_adaptive_jitter_buffer_chain_list(GstPad*, GstObject* parent,
                                                               GstBufferList* list) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  GstFlowReturn flow = GST_FLOW_OK;
  const guint length = gst_buffer_list_length(list);
  for (guint i = 0; i < length && flow == GST_FLOW_OK; ++i)
    flow = self->receiver->on_packet(GstPtr<GstBuffer>::share(gst_buffer_list_get(list, i)));
  gst_buffer_list_unref(list);
  return flow;
}

static void gst_rtp_adaptive_jitter_buffer_loop(gpointer user_data) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(user_data);
  self->receiver->run();
  gst_pad_pause_task(self->src);
}

static gboolean start_task(GstRtpAdaptiveJitterBuffer* self) {
  self->receiver->start();
  return gst_pad_start_task(self->src, gst_rtp_adaptive_jitter_buffer_loop, self, nullptr);
}

static gboolean gst_rtp_adaptive_jitter_buffer_sink_event(GstPad*, GstObject* parent,
                                                          GstEvent* event) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START: {
      const gboolean done = gst_pad_push_event(self->src, event);
      self->receiver->stop();
      gst_pad_pause_task(self->src);
      return done;
    }
    case GST_EVENT_FLUSH_STOP: {
      const gboolean done = gst_pad_push_event(self->src, event);
      self->receiver->reset();
      return start_task(self) && done;
    }
    default:
      if (!GST_EVENT_IS_SERIALIZED(event))
        return gst_pad_push_event(self->src, event);
      return self->receiver->on_event(GstPtr<GstEvent>::adopt(event));
  }
}

// What both neighbours and the template allow.
static void answer_caps_query(GstPad* pad, GstPad* other, GstQuery* query) {
  GstCaps* filter = nullptr;
  gst_query_parse_caps(query, &filter);
  const auto ours = GstPtr<GstCaps>::adopt(gst_pad_get_pad_template_caps(pad));
  const auto theirs = GstPtr<GstCaps>::adopt(gst_pad_peer_query_caps(other, filter));
  const auto both = GstPtr<GstCaps>::adopt(
      gst_caps_intersect_full(theirs.get(), ours.get(), GST_CAPS_INTERSECT_FIRST));
  gst_query_set_caps_result(query, both.get());
}

static gboolean gst_rtp_adaptive_jitter_buffer_sink_query(GstPad* pad, GstObject* parent,
                                                          GstQuery* query) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    answer_caps_query(pad, self->src, query);
    return TRUE;
  }
  if (GST_QUERY_IS_SERIALIZED(query))
    return self->receiver->on_query(query);
  return gst_pad_query_default(pad, parent, query);
}

// ---- src

static gboolean gst_rtp_adaptive_jitter_buffer_src_activate_mode(GstPad* pad, GstObject* parent,
                                                                 GstPadMode mode,
                                                                 gboolean active) noexcept {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  if (active)
    return start_task(self);
  self->receiver->stop();
  return gst_pad_stop_task(pad);
}

static gboolean gst_rtp_adaptive_jitter_buffer_src_query(GstPad* pad, GstObject* parent,
                                                         GstQuery* query) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS:
      answer_caps_query(pad, self->sink, query);
      return TRUE;
    case GST_QUERY_LATENCY: {
      if (!gst_pad_peer_query(self->sink, query))
        return FALSE;
      gboolean live = FALSE;
      GstClockTime least = 0;
      GstClockTime most = 0;
      gst_query_parse_latency(query, &live, &least, &most);
      const auto ours = onair::to_gst(self->receiver->reported_latency());
      gst_query_set_latency(query, TRUE, least + ours, GST_CLOCK_TIME_NONE);
      return TRUE;
    }
    case GST_QUERY_POSITION: {
      GstFormat format{};
      gst_query_parse_position(query, &format, nullptr);
      const auto position = self->receiver->position();
      if (format != GST_FORMAT_TIME || !position)
        break;
      gst_query_set_position(query, format, static_cast<gint64>(*position));
      return TRUE;
    }
    default:
      break;
  }
  return gst_pad_query_default(pad, parent, query);
}

// ---- sink_rtcp

static GstFlowReturn gst_rtp_adaptive_jitter_buffer_chain_rtcp(GstPad*, GstObject* parent,
                                                               GstBuffer* buffer) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(parent);
  return self->receiver->on_rtcp(GstPtr<GstBuffer>::adopt(buffer));
}

// RTCP runs beside the media: it does not flush it, nor end it.
static gboolean gst_rtp_adaptive_jitter_buffer_rtcp_event(GstPad*, GstObject*,
                                                          GstEvent* event) noexcept {
  gst_event_unref(event);
  return TRUE;
}

static GstIterator* gst_rtp_adaptive_jitter_buffer_rtcp_links(GstPad*, GstObject*) noexcept {
  return nullptr;
}

static GstPad* gst_rtp_adaptive_jitter_buffer_request_new_pad(GstElement* element,
                                                              GstPadTemplate* templ,
                                                              const gchar* name,
                                                              const GstCaps*) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(element);
  if (g_strcmp0(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), "sink_rtcp") != 0 ||
      (name && g_strcmp0(name, "sink_rtcp") != 0))
    return nullptr;
  GstPad* pad = gst_pad_new_from_static_template(&rtcp_sink_template, "sink_rtcp");
  GST_OBJECT_LOCK(self);
  const bool exists = self->rtcp_sink != nullptr;
  if (!exists)
    self->rtcp_sink = pad;
  GST_OBJECT_UNLOCK(self);
  if (exists) {
    GST_WARNING_OBJECT(self, "there is a sink_rtcp already");
    gst_object_unref(pad);
    return nullptr;
  }
  gst_pad_set_chain_function(pad, gst_rtp_adaptive_jitter_buffer_chain_rtcp);
  gst_pad_set_event_function(pad, gst_rtp_adaptive_jitter_buffer_rtcp_event);
  gst_pad_set_iterate_internal_links_function(pad, gst_rtp_adaptive_jitter_buffer_rtcp_links);
  gst_pad_set_active(pad, TRUE);
  gst_element_add_pad(element, pad);
  return pad;
}

static void gst_rtp_adaptive_jitter_buffer_release_pad(GstElement* element, GstPad* pad) noexcept {
  auto* self = GST_RTP_ADAPTIVE_JITTER_BUFFER(element);
  GST_OBJECT_LOCK(self);
  const bool is_ours = self->rtcp_sink == pad;
  if (is_ours)
    self->rtcp_sink = nullptr;
  GST_OBJECT_UNLOCK(self);
  if (!is_ours)
    return;
  gst_pad_set_active(pad, FALSE);
  gst_element_remove_pad(element, pad);
}

// ---- the element

static void gst_rtp_adaptive_jitter_buffer_clear_pt_map(GstRtpAdaptiveJitterBuffer* self) {
  self->receiver->forget_clock_rates();
}

// As stock's: what an rtpbin in buffering mode asks of its jitter buffers.
static guint64 gst_rtp_adaptive_jitter_buffer_set_active(GstRtpAdaptiveJitterBuffer* self,
                                                         gboolean active, guint64 offset) {
  return self->receiver->set_active(active != FALSE, offset);
}

static void gst_rtp_adaptive_jitter_buffer_set_property(GObject* object, guint id,
                                                        const GValue* value, GParamSpec*) noexcept {
  GST_RTP_ADAPTIVE_JITTER_BUFFER(object)->receiver->change_settings(
      [&](JitterBufferSettings& settings) {
        if (id == property_id(kReleaseFromEnd))
          settings.release = static_cast<LatencyController::Release>(g_value_get_enum(value));
        else
          onair::set_property(onair::jitter_buffer_properties()[id - 1], settings, value);
      });
}

static void gst_rtp_adaptive_jitter_buffer_get_property(GObject* object, guint id, GValue* value,
                                                        GParamSpec*) noexcept {
  auto* receiver = GST_RTP_ADAPTIVE_JITTER_BUFFER(object)->receiver;
  if (id == property_id(kStatsFromEnd))
    g_value_take_boxed(value, receiver->stats());
  else if (id == property_id(kCurrentLatencyFromEnd))
    g_value_set_uint(value, receiver->current_latency_ms());
  else if (id == property_id(kReleaseFromEnd))
    g_value_set_enum(value, static_cast<int>(receiver->settings().release));
  else
    onair::get_property(onair::jitter_buffer_properties()[id - 1], receiver->settings(), value);
}

static GstStateChangeReturn gst_rtp_adaptive_jitter_buffer_change_state(
    GstElement* element, GstStateChange transition) noexcept {
  auto* receiver = GST_RTP_ADAPTIVE_JITTER_BUFFER(element)->receiver;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    receiver->reset();
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    receiver->set_playing(true);
  else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    receiver->set_playing(false);
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    receiver->reset();
  // Live: packets are timed by the clock, which runs in PLAYING only.
  const bool is_paused_now = transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                             transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
  return is_paused_now && result == GST_STATE_CHANGE_SUCCESS ? GST_STATE_CHANGE_NO_PREROLL : result;
}

static void gst_rtp_adaptive_jitter_buffer_finalize(GObject* object) noexcept {
  delete GST_RTP_ADAPTIVE_JITTER_BUFFER(object)->receiver;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_rtp_adaptive_jitter_buffer_init(GstRtpAdaptiveJitterBuffer* self) {
  self->sink = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(self->sink, gst_rtp_adaptive_jitter_buffer_chain);
  gst_pad_set_chain_list_function(self->sink, gst_rtp_adaptive_jitter_buffer_chain_list);
  gst_pad_set_event_function(self->sink, gst_rtp_adaptive_jitter_buffer_sink_event);
  gst_pad_set_query_function(self->sink, gst_rtp_adaptive_jitter_buffer_sink_query);
  gst_element_add_pad(GST_ELEMENT(self), self->sink);

  self->src = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(self->src, gst_rtp_adaptive_jitter_buffer_src_activate_mode);
  gst_pad_set_query_function(self->src, gst_rtp_adaptive_jitter_buffer_src_query);
  gst_element_add_pad(GST_ELEMENT(self), self->src);

  self->receiver = new Receiver{GST_ELEMENT(self), self->sink, self->src};
}

static void gst_rtp_adaptive_jitter_buffer_class_init(GstRtpAdaptiveJitterBufferClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_rtp_adaptive_jitter_buffer_set_property;
  object_class->get_property = gst_rtp_adaptive_jitter_buffer_get_property;
  object_class->finalize = gst_rtp_adaptive_jitter_buffer_finalize;

  onair::install_properties<JitterBufferSettings>(
      object_class, onair::jitter_buffer_properties(),
      static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property(
      object_class, property_id(kReleaseFromEnd),
      g_param_spec_enum("release", "Release",
                        "Let every packet wait until it is due, or let packets in order pass at "
                        "once; the second is sooner, for consumers that follow timestamps",
                        GST_TYPE_RTP_ADAPTIVE_RELEASE,
                        static_cast<int>(LatencyController::Release::Eager),
                        static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                 GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      object_class, property_id(kCurrentLatencyFromEnd),
      g_param_spec_uint("current-latency", "Current latency",
                        "The latency that holds now, in milliseconds, rounded up; notified when it "
                        "changes",
                        0, G_MAXUINT, 0,
                        static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  g_object_class_install_property(
      object_class, property_id(kStatsFromEnd),
      g_param_spec_boxed("stats", "Statistics",
                         "What has been received, lost, repaired and delayed", GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  /**
   * GstRtpAdaptiveJitterBuffer::request-pt-map:
   * @pt: a payload type
   *
   * Asks for caps with the clock-rate of a payload type that the pad's caps do not tell.
   *
   * Returns: the caps, or %NULL
   */
  g_signal_new("request-pt-map", GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER, G_SIGNAL_RUN_LAST, 0, nullptr,
               nullptr, nullptr, GST_TYPE_CAPS, 1, G_TYPE_UINT);
  /**
   * GstRtpAdaptiveJitterBuffer::handle-sync:
   * @sync: what a sender report says of the stream's time line, as stock rtpjitterbuffer tells it
   *
   * A sender report has come.
   */
  g_signal_new("handle-sync", GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER, G_SIGNAL_RUN_LAST, 0, nullptr,
               nullptr, nullptr, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE | G_SIGNAL_TYPE_STATIC_SCOPE);
  /**
   * GstRtpAdaptiveJitterBuffer::on-npt-stop:
   *
   * The range that `npt-stop` of the caps ends has been played, and EOS follows. rtpbin connects to
   * it, and tells rtspsrc.
   */
  g_signal_new("on-npt-stop", GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER, G_SIGNAL_RUN_LAST, 0, nullptr,
               nullptr, nullptr, G_TYPE_NONE, 0);
  /**
   * GstRtpAdaptiveJitterBuffer::clear-pt-map:
   *
   * Forgets the clock rates of all payload types.
   */
  g_signal_new_class_handler("clear-pt-map", GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER,
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(gst_rtp_adaptive_jitter_buffer_clear_pt_map), nullptr,
                             nullptr, nullptr, G_TYPE_NONE, 0);
  /**
   * GstRtpAdaptiveJitterBuffer::set-active:
   * @active: whether packets go out
   * @offset: nanoseconds that are added to timestamps from now on
   *
   * Stops or continues the output, for an rtpbin in buffering mode.
   *
   * Returns: the time of the last packet that went out
   */
  g_signal_new_class_handler("set-active", GST_TYPE_RTP_ADAPTIVE_JITTER_BUFFER,
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(gst_rtp_adaptive_jitter_buffer_set_active), nullptr,
                             nullptr, nullptr, G_TYPE_UINT64, 2, G_TYPE_BOOLEAN, G_TYPE_UINT64);

  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &rtcp_sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Adaptive RTP jitter buffer", "Filter/Network/RTP",
      "Orders RTP packets and waits for late ones as long as the network makes it worth while",
      "The gst-onair developers");
  element_class->change_state = gst_rtp_adaptive_jitter_buffer_change_state;
  element_class->request_new_pad = gst_rtp_adaptive_jitter_buffer_request_new_pad;
  element_class->release_pad = gst_rtp_adaptive_jitter_buffer_release_pad;
  gst_type_mark_as_plugin_api(GST_TYPE_RTP_ADAPTIVE_RELEASE, static_cast<GstPluginAPIFlags>(0));
}
