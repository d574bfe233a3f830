// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-hlsbalancer
 * @title: hlsbalancer
 * @short_description: Segments whose average is the requested duration, exactly, for ever
 *
 * Stands in front of whatever writes segments of encoded sound and picture, and says where they
 * begin. Boundary n is the start of the audio frame nearest to n times
 * #GstHlsBalancer:target-duration, counted in samples on a grid that never moves: n segments last
 * n times the target to within half an audio frame, for every n. MP3 at 48 kHz (24 ms a frame) and
 * 1 s make 1008, 984, 1008 ms and so on. Without sound the grid is exact.
 *
 * The encoder is asked for a key frame at each boundary less half a frame interval, some
 * boundaries ahead, and again when none comes. The key frame nearest to the boundary begins the
 * segment and is moved onto it (#GstHlsBalancer:snap), so that sound and picture begin together
 * and last equally long. Every other key frame (an answer to somebody else's request, a scene
 * change, a fixed distance) goes out with the flag DELTA_UNIT: it stays a key frame in the stream,
 * and begins nothing. A key frame that comes late makes its segment longer and the next one
 * shorter. If no picture has come since the boundary, that ends where EXTINF would be above
 * EXT-X-TARGETDURATION: then the boundary stays in its place, and the picture is moved onto it.
 *
 * The first segment begins with the first key frame: what comes before it, sound too, is dropped.
 *
 * With #GstHlsBalancer:mode passthrough the key frames come from a remote encoder: it is asked as
 * much earlier as it took to answer so far, and the nearest key frame begins the segment.
 *
 * Pads come in pairs: `audio_0` with `audio_src_0`, `video_1` with `video_src_1`. Several video
 * pads are renditions of one programme and are cut at the same instants. Picture needs whole
 * frames (`alignment=au`), sound a frame a buffer: put a parser in front. Sound waits at a
 * boundary until the key frame has come, so each pad wants a thread of its own in front, as with
 * any muxer: encoders behind a queue each.
 *
 * In front of each segment's first buffer goes a downstream GstForceKeyUnit event with the running
 * time of the boundary and its number (`count`), so that mpegtsmux repeats its tables; its field
 * `break` says that the time line is a new one, and `boundary` where the segment begins on all
 * streams: a late key frame is behind it. A stock
 * `splitmuxsink`, `hlssink2` or `hlssink` downstream is set up to cut there and nowhere else
 * (#GstHlsBalancer:configure-sink). Requests for key frames from downstream end here.
 *
 * A stream that stands still does not hold up the others for longer than #GstHlsBalancer:max-wait:
 * sound goes on without the key frame; sound that is missing is announced to the writer at each
 * boundary by an empty buffer with the flag GAP. A timestamp that goes back by half a second, or
 * that goes ahead of the clock by 5 s, begins a new grid: a boundary at once, the buffer with the
 * flag DISCONT.
 *
 * Each boundary is posted as an element message `hlsbalancer-boundary`: `count`, `running-time`
 * and `error` (ns, from the grid), `break` (a new grid), `duration` (ns, of the segment that
 * ends), `lateness` (ns, of the key frame) where a key frame decided, and `absent` (strv, the sink pads
 * that were not waited for).
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e hlsbalancer name=b target-duration=1000000000 \
 *   videotestsrc is-live=true num-buffers=150 ! video/x-raw,format=I420,framerate=30/1 \
 *   ! x264enc tune=zerolatency key-int-max=2147483647 ! h264parse ! queue ! b.video_0 \
 *   b.video_src_0 ! hls.video \
 *   audiotestsrc is-live=true num-buffers=240 samplesperbuffer=1000 ! audio/x-raw,rate=48000 \
 *   ! lamemp3enc ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! b.audio_0 \
 *   b.audio_src_0 ! hls.audio \
 *   hlssink2 name=hls
 * ]| Writes five segments and their playlist into the working directory.
 *
 * Since: 0.1
 */

#include "gsthlsbalancer.h"

#include <memory>
#include <string>

#include <gst/video/video.h>

#include "balancer.hpp"
#include "glue/paired_pads.hpp"
#include "glue/properties.hpp"
#include "settings.hpp"
#include "track.hpp"

GST_DEBUG_CATEGORY(gst_hls_balancer_debug);
#define GST_CAT_DEFAULT gst_hls_balancer_debug

using onair::attached;
using onair::Balancer;
using onair::BalancerSettings;
using onair::CutAnchor;
using onair::CutScheduler;
using onair::GstPtr;
using onair::PadNames;
using onair::Track;

#define GST_TYPE_HLS_BALANCER_MODE (gst_hls_balancer_mode_get_type())
static GType gst_hls_balancer_mode_get_type() {
  using enum CutScheduler::Mode;
  static const GEnumValue values[] = {
      {static_cast<int>(Encode), "Key frames come at the frame that they were asked for", "encode"},
      {static_cast<int>(Passthrough), "Key frames come from a remote encoder", "passthrough"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstHlsBalancerMode", values);
  return type;
}

#define GST_TYPE_HLS_BALANCER_ANCHOR (gst_hls_balancer_anchor_get_type())
static GType gst_hls_balancer_anchor_get_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(CutAnchor::Start), "The first segment begins with the stream", "start"},
      {static_cast<int>(CutAnchor::Epoch), "Boundaries are multiples of the target since 1970",
       "epoch"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstHlsBalancerAnchor", values);
  return type;
}

struct _GstHlsBalancer {
  GstElement parent;
  Balancer* balancer;
  PadNames* names;
};

// Whole frames: with one NAL unit a buffer, each would look like a frame.
#define VIDEO_CAPS                                                            \
  "video/x-h264, alignment=(string)au; video/x-h265, alignment=(string)au; "  \
  "video/x-av1, alignment=(string)tu; video/x-vp8; video/x-vp9; video/mpeg, " \
  "parsed=(boolean)true, systemstream=(boolean)false"

static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE("video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate audio_src_template =
    GST_STATIC_PAD_TEMPLATE("audio_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate video_src_template = GST_STATIC_PAD_TEMPLATE(
    "video_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(VIDEO_CAPS));

// Behind the table of properties.
enum : guint { kModeFromEnd = 1, kAnchorFromEnd, kStatsFromEnd };
static guint property_id(guint from_end) {
  return static_cast<guint>(onair::balancer_properties().size()) + from_end;
}

#define gst_hls_balancer_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstHlsBalancer, gst_hls_balancer, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(hlsbalancer, "hlsbalancer", GST_RANK_NONE,
                                      GST_TYPE_HLS_BALANCER,
                                      GST_DEBUG_CATEGORY_INIT(gst_hls_balancer_debug, "hlsbalancer",
                                                              0, "says where segments begin"))

// ---- pads

static GstFlowReturn gst_hls_balancer_chain(GstPad* pad, GstObject*, GstBuffer* raw) noexcept {
  auto buffer = GstPtr<GstBuffer>::adopt(raw);
  const auto track = attached<Track>(pad);
  return track ? track->on_buffer(std::move(buffer)) : GST_FLOW_FLUSHING;
}

static gboolean gst_hls_balancer_sink_event(GstPad* pad, GstObject*, GstEvent* raw) noexcept {
  auto event = GstPtr<GstEvent>::adopt(raw);
  const auto track = attached<Track>(pad);
  if (!track)
    return FALSE;
  if (GST_EVENT_TYPE(raw) == GST_EVENT_FLUSH_START)
    track->set_flushing(true);
  return track->on_event(std::move(event));
}

static gboolean gst_hls_balancer_sink_activate_mode(GstPad* pad, GstObject*, GstPadMode mode,
                                                    gboolean active) noexcept {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (const auto track = attached<Track>(pad))
    track->set_flushing(!active);
  return TRUE;
}

static gboolean gst_hls_balancer_src_event(GstPad* pad, GstObject* parent, GstEvent* raw) noexcept {
  auto event = GstPtr<GstEvent>::adopt(raw);
  // Whoever asks downstream asks for a segment to begin: that is said here.
  if (gst_video_event_is_force_key_unit(raw))
    return TRUE;
  return gst_pad_event_default(pad, parent, event.release());
}

static GstPadLinkReturn gst_hls_balancer_src_link(GstPad* pad, GstObject*, GstPad*) noexcept {
  if (const auto track = attached<Track>(pad))
    track->look_for_sink();
  return GST_PAD_LINK_OK;
}

static GstPad* gst_hls_balancer_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                                const gchar* name, const GstCaps*) noexcept {
  auto* self = GST_HLS_BALANCER(element);
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
  const auto track = std::make_shared<Track>(
      *self->balancer, is_audio ? CutScheduler::Kind::Audio : CutScheduler::Kind::Video,
      GstPtr<GstPad>::sink(sink), GstPtr<GstPad>::sink(src));
  onair::attach(track);
  for (GstPad* pad : {sink, src}) {
    GST_PAD_SET_PROXY_CAPS(pad);
    GST_PAD_SET_PROXY_ALLOCATION(pad);
  }
  gst_pad_set_chain_function(sink, gst_hls_balancer_chain);
  gst_pad_set_event_function(sink, gst_hls_balancer_sink_event);
  gst_pad_set_activatemode_function(sink, gst_hls_balancer_sink_activate_mode);
  gst_pad_set_event_function(src, gst_hls_balancer_src_event);
  gst_pad_set_link_function(src, gst_hls_balancer_src_link);
  self->balancer->add(track);
  // Downstream's first: what comes must have a way out.
  for (GstPad* pad : {src, sink}) {
    if (GST_STATE_TARGET(element) > GST_STATE_READY)
      gst_pad_set_active(pad, TRUE);
    gst_element_add_pad(element, pad);
  }
  return sink;
}

static void gst_hls_balancer_release_pad(GstElement* element, GstPad* pad) noexcept {
  auto* self = GST_HLS_BALANCER(element);
  const auto track = attached<Track>(pad);
  if (!track)
    return;
  track->set_flushing(true);
  gst_pad_set_active(pad, FALSE);
  gst_pad_set_active(track->src(), FALSE);
  self->balancer->remove(track);
  const std::string name{GST_OBJECT_NAME(pad)};
  gst_element_remove_pad(element, track->src());
  gst_element_remove_pad(element, pad);
  self->names->give_back(name);
}

// ---- the element

static void gst_hls_balancer_set_property(GObject* object, guint id, const GValue* value,
                                          GParamSpec*) noexcept {
  GST_HLS_BALANCER(object)->balancer->visit_settings([&](BalancerSettings& settings) {
    if (id == property_id(kModeFromEnd))
      settings.mode = static_cast<CutScheduler::Mode>(g_value_get_enum(value));
    else if (id == property_id(kAnchorFromEnd))
      settings.anchor = static_cast<CutAnchor>(g_value_get_enum(value));
    else
      onair::set_property(onair::balancer_properties()[id - 1], settings, value);
  });
}

static void gst_hls_balancer_get_property(GObject* object, guint id, GValue* value,
                                          GParamSpec*) noexcept {
  auto* balancer = GST_HLS_BALANCER(object)->balancer;
  if (id == property_id(kStatsFromEnd)) {
    g_value_take_boxed(value, balancer->stats());
    return;
  }
  balancer->visit_settings([&](const BalancerSettings& settings) {
    if (id == property_id(kModeFromEnd))
      g_value_set_enum(value, static_cast<int>(settings.mode));
    else if (id == property_id(kAnchorFromEnd))
      g_value_set_enum(value, static_cast<int>(settings.anchor));
    else
      onair::get_property(onair::balancer_properties()[id - 1], settings, value);
  });
}

static GstStateChangeReturn gst_hls_balancer_change_state(GstElement* element,
                                                          GstStateChange transition) noexcept {
  auto* balancer = GST_HLS_BALANCER(element)->balancer;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    balancer->start();
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    balancer->set_playing(true);
  else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    balancer->set_playing(false);
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    balancer->stop();
  return result;
}

static void gst_hls_balancer_finalize(GObject* object) noexcept {
  auto* self = GST_HLS_BALANCER(object);
  delete self->balancer;
  delete self->names;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_hls_balancer_init(GstHlsBalancer* self) {
  self->balancer = new Balancer{GST_ELEMENT(self)};
  self->names = new PadNames;
}

static void gst_hls_balancer_class_init(GstHlsBalancerClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_hls_balancer_set_property;
  object_class->get_property = gst_hls_balancer_get_property;
  object_class->finalize = gst_hls_balancer_finalize;
  constexpr auto kReady = static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY |
                                                   G_PARAM_STATIC_STRINGS);
  onair::install_properties<BalancerSettings>(object_class, onair::balancer_properties(), kReady);
  /**
   * GstHlsBalancer:mode:
   *
   * Where key frames come from.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kModeFromEnd),
      g_param_spec_enum("mode", "Mode",
                        "Whether key frames come at the frame that they were asked for, or when a "
                        "remote encoder sends them",
                        GST_TYPE_HLS_BALANCER_MODE, static_cast<int>(CutScheduler::Mode::Encode),
                        kReady));
  /**
   * GstHlsBalancer:anchor:
   *
   * What the grid begins with. With `epoch` two servers, or one that was started again, cut at the same
   * instants and give them the same number; the mapping is that of the event `onair-timeline` (see
   * `avaligner`), and without one the grid begins with the stream.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kAnchorFromEnd),
      g_param_spec_enum(
          "anchor", "Anchor",
          "Whether the grid begins with the stream, or with 1970 on the sender's clock",
          GST_TYPE_HLS_BALANCER_ANCHOR, static_cast<int>(CutAnchor::Start), kReady));
  /**
   * GstHlsBalancer:stats:
   *
   * Structure application/x-hlsbalancer-stats: `boundaries`, `missed` (of the grid, where no
   * segment began), `breaks` (new grids), `error` and `worst-error` (ns, of the last boundary and
   * of all, from the grid), `requests` for key frames and `repeats` of them, `response-time` (ns),
   * `demoted` key frames with which no segment begins, `dropped` pictures in front of the first
   * key frame and sound in front of it, `fills` for sound that did not come.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kStatsFromEnd),
      g_param_spec_boxed("stats", "Statistics", "Boundaries, their errors, and requests",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  for (auto* templ : {&audio_template, &video_template, &audio_src_template, &video_src_template})
    gst_element_class_add_static_pad_template(element_class, templ);
  gst_element_class_set_static_metadata(
      element_class, "HLS balancer", "Filter",
      "Says where segments begin, so that their average is the requested duration",
      "The gst-onair developers");
  element_class->change_state = gst_hls_balancer_change_state;
  element_class->request_new_pad = gst_hls_balancer_request_new_pad;
  element_class->release_pad = gst_hls_balancer_release_pad;
  gst_type_mark_as_plugin_api(GST_TYPE_HLS_BALANCER_MODE, static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(GST_TYPE_HLS_BALANCER_ANCHOR, static_cast<GstPluginAPIFlags>(0));
}
