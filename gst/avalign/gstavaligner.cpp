// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-avaligner
 * @title: avaligner
 * @short_description: Puts sound and picture of one sender onto one time line
 *
 * RTP times of sound and picture begin anywhere and run by clocks of their own. This element finds
 * out how they belong together, with RTCP sender reports or without, and gives all streams
 * timestamps on one line.
 *
 * Sound is the master: its timestamp is its RTP time plus a constant, so that samples follow each
 * other without a seam for as long as the sender goes on. The picture follows: its timestamp is its
 * RTP time plus an offset that is steered to where the sound of the same instant is, by 5 to 60 ms a
 * second, so that nobody sees it. Only a true break of the media clock (another SSRC, RTP time that
 * leaps or that stood still over a mute) begins anew, where the old line would be by then; the first
 * buffer behind it has the flag DISCONT.
 *
 * What it knows it has from the reference timestamp metas that rtpadaptivejitterbuffer writes
 * (`timestamp/x-rtp`, `timestamp/x-arrival`, `timestamp/x-ntp`) and that depayloaders, parsers and
 * decoders hand on. So it may stand behind the jitter buffers, the depayloaders or the decoders. In
 * front of a stock `rtpjitterbuffer`, which has no arrival times any more on its output, it puts a
 * probe of its own. Where there is neither it goes by the buffers' timestamps and says so (message
 * `avaligner-source`).
 *
 * Without reports, arrivals tell: the packets that met no queue, of sound and of picture, took as long
 * as the path. What a camera and its encoder take longer than a microphone no receiver can see;
 * #GstAvAligner:video-lag says it. Reports are evidence: those that scatter, or are far from what
 * arrivals say, are ignored (#GstAvAligner:sr-trust). What good ones taught stays when they vanish.
 * Capture times in packets (abs-capture-time) are taken as reports are, and come sooner.
 *
 * The time line is the sender's audio clock, and leaves ours by some seconds in a day. When the next sender of
 * the same programme gets an aligner of its own, #GstAvAligner:lead makes that one go on where the former has
 * got to.
 *
 * Pads come in pairs: `audio_0` with `audio_src_0`, `video_1` with `video_src_1`. Each stream is held
 * for 0.8 s at its start, and for up to 1 s when its media clock seems to have broken; the latency
 * query is answered with a second more than upstream's. A pair has a queue and a thread of its own.
 *
 * The sticky event `onair-timeline` goes downstream with the first buffer and each 10 s: the running
 * time of an instant (`running-time`), the receiver's wall clock when sound of that instant arrived
 * (`unix-time`, ns since 1970), and, with reports, the sender's (`ntp-time`, ns since 1900).
 *
 * Messages on the bus, each with the name of the sink pad in `pad`: `avaligner-source` (`source`:
 * capture, report, arrival or timestamp), `avaligner-rebase` (`by`: nanoseconds that the media clock had moved)
 * and `avaligner-disagreement` (`by`: nanoseconds that ignored reports are off).
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e avaligner name=a \
 *   udpsrc port=5004 \
 *     caps="application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96" \
 *   ! rtpadaptivejitterbuffer group=call ! rtph264depay ! h264parse ! a.video_0 \
 *   a.video_src_0 ! mux. \
 *   udpsrc port=5006 \
 *     caps="application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111" \
 *   ! rtpadaptivejitterbuffer group=call ! rtpopusdepay ! a.audio_0 \
 *   a.audio_src_0 ! opusparse ! mux. \
 *   matroskamux name=mux ! filesink location=call.mkv \
 *   videotestsrc is-live=true ! video/x-raw,format=I420,framerate=30/1 \
 *   ! x264enc tune=zerolatency key-int-max=30 ! rtph264pay pt=96 config-interval=-1 \
 *   ! udpsink port=5004 host=127.0.0.1 async=false \
 *   audiotestsrc is-live=true wave=ticks samplesperbuffer=960 ! audio/x-raw,rate=48000 \
 *   ! opusenc ! rtpopuspay pt=111 ! udpsink port=5006 host=127.0.0.1 async=false
 * ]| Sends picture and sound over the loopback interface without RTCP and records what arrives.
 *
 * Since: 0.1
 */

#include "gstavaligner.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "alignment.hpp"
#include "glue/properties.hpp"
#include "lane.hpp"
#include "settings.hpp"

GST_DEBUG_CATEGORY(gst_av_aligner_debug);
#define GST_CAT_DEFAULT gst_av_aligner_debug

using onair::Aligner;
using onair::AlignerSettings;
using onair::Alignment;
using onair::attached;
using onair::GstPtr;
using onair::Lane;
using onair::PadNames;

#define GST_TYPE_AV_ALIGNER_TRUST (gst_av_aligner_trust_get_type())
static GType gst_av_aligner_trust_get_type() {
  using enum Aligner::Trust;
  static const GEnumValue values[] = {
      {static_cast<int>(Auto), "Where they are consistent and plausible", "auto"},
      {static_cast<int>(Never), "Arrivals only", "never"},
      {static_cast<int>(Always), "Whatever they say", "always"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstAvAlignerTrust", values);
  return type;
}

struct _GstAvAligner {
  GstElement parent;
  Alignment* alignment;
  // The object lock.
  std::vector<std::shared_ptr<Lane>>* lanes;
  PadNames* names;
};

static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate audio_src_template =
    GST_STATIC_PAD_TEMPLATE("audio_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate video_src_template =
    GST_STATIC_PAD_TEMPLATE("video_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);

// Behind the table of properties.
enum : guint { kTrustFromEnd = 1, kStatsFromEnd };
static guint property_id(guint from_end) {
  return static_cast<guint>(onair::aligner_properties().size()) + from_end;
}

#define gst_av_aligner_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstAvAligner, gst_av_aligner, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    avaligner, "avaligner", GST_RANK_NONE, GST_TYPE_AV_ALIGNER,
    GST_DEBUG_CATEGORY_INIT(gst_av_aligner_debug, "avaligner", 0,
                            "puts sound and picture onto one time line"))

// ---- sink

static GstFlowReturn gst_av_aligner_chain(GstPad* pad, GstObject*, GstBuffer* raw) noexcept {
  auto buffer = GstPtr<GstBuffer>::adopt(raw);
  const auto lane = attached<Lane>(pad);
  return lane ? lane->on_buffer(std::move(buffer)) : GST_FLOW_FLUSHING;
}

static void gst_av_aligner_loop(gpointer user_data) noexcept {
  static_cast<Lane*>(user_data)->run();
}

static gboolean start_task(Lane& lane) {
  lane.start();
  return gst_pad_start_task(lane.src(), gst_av_aligner_loop, &lane, nullptr);
}

static gboolean gst_av_aligner_sink_event(GstPad* pad, GstObject* parent, GstEvent* raw) noexcept {
  auto event = GstPtr<GstEvent>::adopt(raw);
  const auto lane = attached<Lane>(pad);
  if (!lane)
    return FALSE;
  switch (GST_EVENT_TYPE(raw)) {
    case GST_EVENT_FLUSH_START: {
      const gboolean done = gst_pad_push_event(lane->src(), event.release());
      lane->stop();
      gst_pad_pause_task(lane->src());
      return done;
    }
    case GST_EVENT_FLUSH_STOP: {
      gboolean resets_time = FALSE;
      gst_event_parse_flush_stop(raw, &resets_time);
      const gboolean done = gst_pad_push_event(lane->src(), event.release());
      lane->reset(Lane::Reset::Flush);
      if (resets_time)
        GST_AV_ALIGNER(parent)->alignment->start_over_if_idle();
      return gst_pad_is_active(lane->src()) && start_task(*lane) && done;
    }
    default:
      if (!GST_EVENT_IS_SERIALIZED(raw))
        return gst_pad_push_event(lane->src(), event.release());
      return lane->on_event(std::move(event));
  }
}

static gboolean gst_av_aligner_sink_query(GstPad* pad, GstObject* parent,
                                          GstQuery* query) noexcept {
  if (GST_QUERY_IS_SERIALIZED(query)) {
    const auto lane = attached<Lane>(pad);
    return lane && lane->on_query(query);
  }
  return gst_pad_query_default(pad, parent, query);
}

// ---- src

static gboolean gst_av_aligner_src_activate_mode(GstPad* pad, GstObject*, GstPadMode mode,
                                                 gboolean active) noexcept {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  const auto lane = attached<Lane>(pad);
  if (active)
    return lane && start_task(*lane);
  if (lane)
    lane->stop();
  return gst_pad_stop_task(pad);
}

static gboolean gst_av_aligner_src_event(GstPad* pad, GstObject* parent, GstEvent* raw) noexcept {
  auto event = GstPtr<GstEvent>::adopt(raw);
  const auto lane = attached<Lane>(pad);
  if (!lane)
    return FALSE;
  if (GST_EVENT_TYPE(raw) == GST_EVENT_RECONFIGURE && lane->is_unlinked())
    start_task(*lane);
  return gst_pad_event_default(pad, parent, lane->moved_back(std::move(event)).release());
}

static gboolean gst_av_aligner_src_query(GstPad* pad, GstObject* parent, GstQuery* query) noexcept {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  const auto lane = attached<Lane>(pad);
  if (!lane || !gst_pad_peer_query(lane->sink(), query))
    return FALSE;
  gboolean live = FALSE;
  GstClockTime least = 0;
  GstClockTime most = 0;
  gst_query_parse_latency(query, &live, &least, &most);
  const auto ours = onair::to_gst(std::max(Aligner::kStartHold, onair::Continuity::kPatience));
  gst_query_set_latency(query, live, least + ours,
                        GST_CLOCK_TIME_IS_VALID(most) ? most + ours : most);
  return TRUE;
}

// ---- pads

static GstPad* gst_av_aligner_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                              const gchar* name, const GstCaps*) noexcept {
  auto* self = GST_AV_ALIGNER(element);
  const bool is_audio = g_strcmp0(GST_PAD_TEMPLATE_NAME_TEMPLATE(templ), "audio_%u") == 0;
  const std::string kind = is_audio ? "audio" : "video";
  const auto index = self->names->take(kind, name);
  if (index.empty()) {
    GST_WARNING_OBJECT(element, "no pad %s: it exists, or its number is none", name);
    return nullptr;
  }
  GstPad* sink = gst_pad_new_from_static_template(is_audio ? &audio_template : &video_template,
                                                  (kind + "_" + index).c_str());
  GstPad* src = gst_pad_new_from_static_template(
      is_audio ? &audio_src_template : &video_src_template, (kind + "_src_" + index).c_str());
  const auto lane = std::make_shared<Lane>(*self->alignment,
                                           is_audio ? Aligner::Kind::Audio : Aligner::Kind::Video,
                                           GstPtr<GstPad>::sink(sink), GstPtr<GstPad>::sink(src));
  onair::attach(lane);
  for (GstPad* pad : {sink, src}) {
    GST_PAD_SET_PROXY_CAPS(pad);
    GST_PAD_SET_PROXY_ALLOCATION(pad);
  }
  gst_pad_set_chain_function(sink, gst_av_aligner_chain);
  gst_pad_set_event_function(sink, gst_av_aligner_sink_event);
  gst_pad_set_query_function(sink, gst_av_aligner_sink_query);
  gst_pad_set_activatemode_function(src, gst_av_aligner_src_activate_mode);
  gst_pad_set_event_function(src, gst_av_aligner_src_event);
  gst_pad_set_query_function(src, gst_av_aligner_src_query);
  GST_OBJECT_LOCK(self);
  self->lanes->push_back(lane);
  GST_OBJECT_UNLOCK(self);
  // Not in NULL: nobody would end the task before the element goes, perhaps by the task's own hand. The
  // state must not change in between.
  GST_STATE_LOCK(element);
  const bool is_active = GST_STATE_TARGET(element) != GST_STATE_NULL;
  // Downstream's first: what comes must have a way out.
  for (GstPad* pad : {src, sink}) {
    if (is_active)
      gst_pad_set_active(pad, TRUE);
    gst_element_add_pad(element, pad);
  }
  GST_STATE_UNLOCK(element);
  return sink;
}

static void gst_av_aligner_release_pad(GstElement* element, GstPad* pad) noexcept {
  auto* self = GST_AV_ALIGNER(element);
  const auto lane = attached<Lane>(pad);
  GST_OBJECT_LOCK(self);
  const bool is_ours = std::erase(*self->lanes, lane) > 0;
  GST_OBJECT_UNLOCK(self);
  if (!is_ours)
    return;
  lane->stop();
  gst_pad_set_active(pad, FALSE);
  gst_pad_set_active(lane->src(), FALSE);
  gst_pad_stop_task(lane->src());  // a flush may have started it on a pad that is not active
  const std::string name{GST_OBJECT_NAME(pad)};
  gst_element_remove_pad(element, lane->src());
  gst_element_remove_pad(element, pad);
  self->names->give_back(name);
}

// ---- the element

static void gst_av_aligner_set_property(GObject* object, guint id, const GValue* value,
                                        GParamSpec*) noexcept {
  GST_AV_ALIGNER(object)->alignment->visit_settings([&](AlignerSettings& settings) {
    if (id == property_id(kTrustFromEnd))
      settings.trust = static_cast<Aligner::Trust>(g_value_get_enum(value));
    else
      onair::set_property(onair::aligner_properties()[id - 1], settings, value);
  });
}

static void gst_av_aligner_get_property(GObject* object, guint id, GValue* value,
                                        GParamSpec*) noexcept {
  auto* alignment = GST_AV_ALIGNER(object)->alignment;
  if (id == property_id(kStatsFromEnd)) {
    g_value_take_boxed(value, alignment->stats());
    return;
  }
  alignment->visit_settings([&](const AlignerSettings& settings) {
    if (id == property_id(kTrustFromEnd))
      g_value_set_enum(value, static_cast<int>(settings.trust));
    else
      onair::get_property(onair::aligner_properties()[id - 1], settings, value);
  });
}

static GstStateChangeReturn gst_av_aligner_change_state(GstElement* element,
                                                        GstStateChange transition) noexcept {
  auto* self = GST_AV_ALIGNER(element);
  GST_OBJECT_LOCK(self);
  const auto lanes = *self->lanes;
  GST_OBJECT_UNLOCK(self);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    for (const auto& lane : lanes) {
      lane->find_tap();
      // From its request on; downstream may have refused buffers because it was not started either.
      if (gst_pad_is_active(lane->src()))
        start_task(*lane);
    }
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
    self->alignment->set_playing(true);
  } else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    self->alignment->set_playing(false);
  }
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    self->alignment->start_over();
    for (const auto& lane : lanes)
      lane->reset(Lane::Reset::All);
  }
  return result;
}

static void gst_av_aligner_finalize(GObject* object) noexcept {
  auto* self = GST_AV_ALIGNER(object);
  delete self->names;
  delete self->lanes;
  delete self->alignment;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_av_aligner_init(GstAvAligner* self) {
  self->alignment = new Alignment{GST_ELEMENT(self)};
  self->lanes = new std::vector<std::shared_ptr<Lane>>;
  self->names = new PadNames;
}

static void gst_av_aligner_class_init(GstAvAlignerClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_av_aligner_set_property;
  object_class->get_property = gst_av_aligner_get_property;
  object_class->finalize = gst_av_aligner_finalize;
  constexpr auto kLive = static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING |
                                                  G_PARAM_STATIC_STRINGS);
  onair::install_properties<AlignerSettings>(object_class, onair::aligner_properties(), kLive);
  /**
   * GstAvAligner:sr-trust:
   *
   * What sender reports are worth.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kTrustFromEnd),
      g_param_spec_enum("sr-trust", "Trust in sender reports",
                        "Whether RTCP sender reports place the picture: where they are consistent "
                        "and plausible, never, or always",
                        GST_TYPE_AV_ALIGNER_TRUST, static_cast<int>(Aligner::Trust::Auto), kLive));
  /**
   * GstAvAligner:stats:
   *
   * Structure application/x-avaligner-stats: `running-time` of the output now (ns),
   * `receiver-running-time` of the pipeline (ns) and `ntp-time` of the sender (ns, where known), `lead`
   * (ns, output less arrival of sound that met no queue), and for each sink pad a structure of its name with `ssrc`, `placed`, `master`, `source` (capture,
   * report, arrival, timestamp), `offset` (ns, output less RTP time), `delay` (ns, output less arrival of a
   * packet that met no queue), `confidence` (ns, one standard deviation), `rate-ppm` (of the
   * sender's media clock against ours), `rate-deviation-ppm`, `learned-lag` (ns), `reports`,
   * `report-scatter` (ns), `disagreement` (ns, where there are reports), `rebases`, `slews`,
   * `steps`, `squeezed`, `dropped` and `held` buffers.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kStatsFromEnd),
      g_param_spec_boxed(
          "stats", "Statistics", "What places each stream, how well it is known, and what was done",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  for (auto* templ : {&audio_template, &video_template, &audio_src_template, &video_src_template})
    gst_element_class_add_static_pad_template(element_class, templ);
  gst_element_class_set_static_metadata(
      element_class, "Audio/video aligner", "Filter/Network/RTP",
      "Puts sound and picture of one sender onto one time line, with or without RTCP",
      "The gst-onair developers");
  element_class->change_state = gst_av_aligner_change_state;
  element_class->request_new_pad = gst_av_aligner_request_new_pad;
  element_class->release_pad = gst_av_aligner_release_pad;
  gst_type_mark_as_plugin_api(GST_TYPE_AV_ALIGNER_TRUST, static_cast<GstPluginAPIFlags>(0));
}
