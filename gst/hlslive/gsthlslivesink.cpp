// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-hlslivesink
 * @title: hlslivesink
 * @short_description: Writes live HLS: segments, parts and playlists, to disk or for an HTTP origin
 *
 * Takes encoded sound and picture of one programme and publishes it as HTTP Live Streaming (RFC 8216,
 * draft-pantos-hls-rfc8216bis). Segments begin where the `hlsbalancer` inside says: n of them last n
 * times #GstHlsLiveSink:target-duration to within half an audio frame, in all renditions at the same
 * instants and with the same sequence numbers. A segment is listed as soon as its last frame has come.
 *
 * ## Renditions
 * `video_N` with `audio_N` is rendition N; without an `audio_N` it gets the first sound there is. An
 * `audio_N` without `video_N` is a rendition without picture. With #GstHlsLiveSink:audio group sound
 * has playlists of its own (EXT-X-MEDIA) instead of being muxed. Pads are to be requested before data
 * flows. `master.m3u8` names the renditions, each of which has `N.m3u8` and segments `N-SEQUENCE.ts`.
 * Picture needs whole frames, `h264parse` in front; sound a frame a buffer, `mpegaudioparse` or
 * `aacparse` in front; and a queue in front of each pad.
 *
 * ## Low latency
 * Where players can wait for what comes next (#GstHlsLiveSink:origin-port, an application that serves
 * #GstHlsLiveSink::request-resource, or with #GstHlsLiveSink:location-served an `hlsdirectory` in another
 * process), segments are published in parts of about #GstHlsLiveSink:part-target (LL-HLS), which end at
 * audio frames. #GstHlsLiveSink:low-latency turns that off.
 *
 * ## When things go wrong
 * A disk that is full or gone is warned of once; the segments that it could not take are listed as gaps
 * (EXT-X-GAP), and writing goes on when it can. So are those that should be encrypted and cannot be:
 * nothing of them is written. A stream that stands still does not hold up the others
 * (see max-wait of `hlsbalancer`). After a crash or a restart numbers go on from the playlists in
 * #GstHlsLiveSink:location, behind one EXT-X-DISCONTINUITY. From PAUSED to READY and back they do so in
 * memory too, and in READY players are still served what there was.
 *
 * At EOS playlists end with EXT-X-ENDLIST at once; of an #GstHlsLiveSink:playlist-type event everything
 * since the beginning is listed, and can be watched as video on demand.
 *
 * The `hlsbalancer` is the child `balancer`: `balancer::mode=passthrough` sets its properties. Its
 * messages go on to the application, as do `hlslivesink-segment` (`rendition`, `sequence`, `uri`,
 * `running-time`, `duration`, `size` in bytes, `gap`) and `hlslivesink-part` (the same, and `part`).
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e hlslivesink name=hls location=live target-duration=1000000000 \
 *   videotestsrc is-live=true num-buffers=150 ! video/x-raw,format=I420,framerate=30/1 \
 *   ! x264enc tune=zerolatency key-int-max=2147483647 ! h264parse ! queue ! hls.video_0 \
 *   audiotestsrc is-live=true num-buffers=240 samplesperbuffer=1000 ! audio/x-raw,rate=48000 \
 *   ! lamemp3enc ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! hls.audio_0
 * ]| Writes five segments and their playlists into the directory `live`.
 *
 * Since: 0.1
 */

#include "gsthlslivesink.h"

#include <memory>
#include <string>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"
#include "live_sink.hpp"
#include "settings.hpp"

GST_DEBUG_CATEGORY(gst_hls_live_sink_debug);
#define GST_CAT_DEFAULT gst_hls_live_sink_debug

using onair::AudioRenditions;
using onair::Container;
using onair::GstPtr;
using onair::Guarded;
using onair::LiveSettings;
using onair::LiveSink;
using onair::MediaKind;
using onair::PlaylistType;
using onair::SyncPolicy;

#define GST_TYPE_HLS_LIVE_SINK_PLAYLIST_TYPE (gst_hls_live_sink_playlist_type_get_type())
static GType gst_hls_live_sink_playlist_type_get_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(PlaylistType::Live), "The last #GstHlsLiveSink:window", "live"},
      {static_cast<int>(PlaylistType::Event), "Everything since the beginning", "event"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstHlsLiveSinkPlaylistType", values);
  return type;
}

#define GST_TYPE_HLS_LIVE_SINK_CONTAINER (gst_hls_live_sink_container_get_type())
static GType gst_hls_live_sink_container_get_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(Container::MpegTs), "MPEG-2 transport stream", "mpegts"},
      {static_cast<int>(Container::FragmentedMp4), "Fragmented MP4 (CMAF)", "fmp4"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstHlsLiveSinkContainer", values);
  return type;
}

#define GST_TYPE_HLS_LIVE_SINK_SYNC (gst_hls_live_sink_sync_get_type())
static GType gst_hls_live_sink_sync_get_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(SyncPolicy::Never), "Left to the file system", "never"},
      {static_cast<int>(SyncPolicy::Segments), "Each segment before it is listed", "segments"},
      {static_cast<int>(SyncPolicy::Always), "Playlists and parts too", "always"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstHlsLiveSinkSync", values);
  return type;
}

#define GST_TYPE_HLS_LIVE_SINK_AUDIO (gst_hls_live_sink_audio_get_type())
static GType gst_hls_live_sink_audio_get_type() {
  static const GEnumValue values[] = {
      {static_cast<int>(AudioRenditions::Muxed), "In the segments of each rendition", "muxed"},
      {static_cast<int>(AudioRenditions::Group), "In playlists of its own", "group"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstHlsLiveSinkAudio", values);
  return type;
}

struct _GstHlsLiveSink {
  GstBin parent;
  GstElement* balancer;  // the bin's; null where there is no such element
  GstElement* origin;    // the bin's, while it runs
  Guarded<LiveSettings>* settings;
  std::shared_ptr<LiveSink>* sink;
};

static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS("audio/mpeg, mpegversion=(int)1, parsed=(boolean)true;"
                    "audio/mpeg, mpegversion=(int){2, 4}, stream-format=(string){adts, raw}"));
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS(
        "video/x-h264, stream-format=(string){byte-stream, avc}, alignment=(string)au"));

enum { SIGNAL_REQUEST_RESOURCE, SIGNAL_RESOURCE_CHANGED, SIGNAL_REQUEST_KEY, LAST_SIGNAL };
static guint signals[LAST_SIGNAL];

// Behind the table of properties.
enum : guint {
  kPlaylistTypeFromEnd = 1,
  kContainerFromEnd,
  kSyncFromEnd,
  kAudioFromEnd,
  kBandwidthsFromEnd,
  kStatsFromEnd,
};
static guint property_id(guint from_end) {
  return static_cast<guint>(onair::live_properties().size()) + from_end;
}

#define gst_hls_live_sink_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstHlsLiveSink, gst_hls_live_sink, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(hlslivesink, "hlslivesink", GST_RANK_NONE,
                                      GST_TYPE_HLS_LIVE_SINK,
                                      GST_DEBUG_CATEGORY_INIT(gst_hls_live_sink_debug,
                                                              "hlslivesink", 0, "writes live HLS"))

// ---- pads

static GstPad* gst_hls_live_sink_request_new_pad(GstElement* element, GstPadTemplate* templ,
                                                 const gchar* name, const GstCaps*) noexcept {
  auto* self = GST_HLS_LIVE_SINK(element);
  if (!self->balancer)
    return nullptr;
  const auto* templ_name = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  const bool is_audio = g_str_has_prefix(templ_name, "audio");
  const auto inner = GstPtr<GstPad>::adopt(gst_element_request_pad(
      self->balancer, gst_element_get_pad_template(self->balancer, templ_name), name, nullptr));
  if (!inner)
    return nullptr;
  const std::string pad_name{GST_PAD_NAME(inner.get())};
  const auto number = pad_name.substr(pad_name.find('_') + 1);
  const auto source = GstPtr<GstPad>::adopt(gst_element_get_static_pad(
      self->balancer, ((is_audio ? "audio_src_" : "video_src_") + number).c_str()));
  (*self->sink)
      ->add(is_audio ? MediaKind::Audio : MediaKind::Video,
            static_cast<unsigned>(std::stoul(number)), source.get());
  GstPad* ghost = gst_ghost_pad_new_from_template(pad_name.c_str(), inner.get(), templ);
  if (GST_STATE_TARGET(element) > GST_STATE_READY)
    gst_pad_set_active(ghost, TRUE);
  gst_element_add_pad(element, ghost);
  return ghost;
}

static void gst_hls_live_sink_release_pad(GstElement* element, GstPad* pad) noexcept {
  auto* self = GST_HLS_LIVE_SINK(element);
  const std::string name{GST_PAD_NAME(pad)};
  const auto inner = GstPtr<GstPad>::adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(pad)));
  gst_pad_set_active(pad, FALSE);
  (*self->sink)
      ->remove(g_str_has_prefix(name.c_str(), "audio") ? MediaKind::Audio : MediaKind::Video,
               static_cast<unsigned>(std::stoul(name.substr(name.find('_') + 1))));
  gst_element_remove_pad(element, pad);
  if (inner)
    gst_element_release_request_pad(self->balancer, inner.get());
}

// ---- the bin

static void gst_hls_live_sink_handle_message(GstBin* bin, GstMessage* message) noexcept {
  auto* self = GST_HLS_LIVE_SINK(bin);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT &&
      gst_message_has_name(message, "hlsbalancer-boundary"))
    (*self->sink)->on_boundary(gst_message_get_structure(message));
  GST_BIN_CLASS(parent_class)->handle_message(bin, message);
}

static bool start_origin(GstHlsLiveSink* self, const LiveSettings& settings) {
  if (settings.origin_port < 0)
    return true;
  self->origin = gst_element_factory_make("hlsorigin", "origin");
  if (!self->origin) {
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                      ("origin-port needs the element hlsorigin, which is not there."), (nullptr));
    return false;
  }
  g_object_set(self->origin, "address", settings.origin_address.c_str(), "port",
               static_cast<guint>(settings.origin_port), nullptr);
  gst_bin_add(GST_BIN(self), self->origin);
  g_signal_emit_by_name(self->origin, "mount", "/", self);
  return true;
}

static void stop_origin(GstHlsLiveSink* self) {
  if (!self->origin)
    return;
  g_signal_emit_by_name(self->origin, "unmount", "/");
  gst_element_set_locked_state(self->origin, TRUE);
  gst_element_set_state(self->origin, GST_STATE_NULL);
  gst_bin_remove(GST_BIN(self), self->origin);
  self->origin = nullptr;
}

static GstStateChangeReturn gst_hls_live_sink_change_state(GstElement* element,
                                                           GstStateChange transition) noexcept {
  auto* self = GST_HLS_LIVE_SINK(element);
  auto& sink = **self->sink;
  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!self->balancer) {
        GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                          ("hlslivesink needs the element hlsbalancer, which is not there."),
                          (nullptr));
        return GST_STATE_CHANGE_FAILURE;
      }
      if (!start_origin(self, self->settings->get()))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED: {
      const auto settings = self->settings->get();
      g_object_set(self->balancer, "target-duration", settings.target_duration, nullptr);
      if (!sink.start(settings))
        return GST_STATE_CHANGE_FAILURE;
      break;
    }
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      sink.set_playing(false);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      sink.abandon();
      break;
    default:
      break;
  }
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    sink.stop();
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    sink.set_playing(true);
  else if (transition == GST_STATE_CHANGE_NULL_TO_READY && result == GST_STATE_CHANGE_FAILURE)
    stop_origin(self);
  else if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    stop_origin(self);
    sink.withdraw();
  }
  return result;
}

static GstStructure* gst_hls_live_sink_request_resource(GstHlsLiveSink* self, const gchar* target,
                                                        guint64 offset) noexcept {
  return (*self->sink)->request(target ? target : "", offset).release();
}

// ---- properties

static void gst_hls_live_sink_set_property(GObject* object, guint id, const GValue* value,
                                           GParamSpec*) noexcept {
  auto settings = GST_HLS_LIVE_SINK(object)->settings->lock();
  if (id == property_id(kPlaylistTypeFromEnd))
    settings->playlist_type = static_cast<PlaylistType>(g_value_get_enum(value));
  else if (id == property_id(kContainerFromEnd))
    (*GST_HLS_LIVE_SINK(object)->sink)
        ->set_container(settings->container = static_cast<Container>(g_value_get_enum(value)));
  else if (id == property_id(kSyncFromEnd))
    settings->sync_policy = static_cast<SyncPolicy>(g_value_get_enum(value));
  else if (id == property_id(kAudioFromEnd))
    settings->audio = static_cast<AudioRenditions>(g_value_get_enum(value));
  else if (id == property_id(kBandwidthsFromEnd))
    settings->bandwidths = onair::bandwidths_of(gst_value_get_structure(value));
  else
    onair::set_property(onair::live_properties()[id - 1], *settings, value);
}

static void gst_hls_live_sink_get_property(GObject* object, guint id, GValue* value,
                                           GParamSpec*) noexcept {
  if (id == property_id(kStatsFromEnd)) {
    g_value_take_boxed(value, (*GST_HLS_LIVE_SINK(object)->sink)->stats().release());
    return;
  }
  const auto settings = GST_HLS_LIVE_SINK(object)->settings->lock();
  if (id == property_id(kPlaylistTypeFromEnd))
    g_value_set_enum(value, static_cast<int>(settings->playlist_type));
  else if (id == property_id(kContainerFromEnd))
    g_value_set_enum(value, static_cast<int>(settings->container));
  else if (id == property_id(kSyncFromEnd))
    g_value_set_enum(value, static_cast<int>(settings->sync_policy));
  else if (id == property_id(kAudioFromEnd))
    g_value_set_enum(value, static_cast<int>(settings->audio));
  else if (id == property_id(kBandwidthsFromEnd))
    g_value_take_boxed(value, onair::structure_of(settings->bandwidths).release());
  else
    onair::get_property(onair::live_properties()[id - 1], *settings, value);
}

static void gst_hls_live_sink_finalize(GObject* object) noexcept {
  auto* self = GST_HLS_LIVE_SINK(object);
  delete self->sink;
  delete self->settings;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_hls_live_sink_init(GstHlsLiveSink* self) {
  self->settings = new Guarded<LiveSettings>;
  self->sink = new std::shared_ptr<LiveSink>{std::make_shared<LiveSink>(GST_BIN(self))};
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
  self->balancer = gst_element_factory_make("hlsbalancer", "balancer");
  if (!self->balancer)
    return;
  g_object_set(self->balancer, "configure-sink", FALSE, nullptr);
  gst_bin_add(GST_BIN(self), self->balancer);
}

static void gst_hls_live_sink_class_init(GstHlsLiveSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_hls_live_sink_set_property;
  object_class->get_property = gst_hls_live_sink_get_property;
  object_class->finalize = gst_hls_live_sink_finalize;
  constexpr auto kReady = static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY |
                                                   G_PARAM_STATIC_STRINGS);
  onair::install_properties<LiveSettings>(object_class, onair::live_properties(), kReady);
  const LiveSettings initial;
  const auto install = [object_class](guint from_end, const char* name, const char* nick,
                                      const char* blurb, GType type, int value) {
    g_object_class_install_property(object_class, property_id(from_end),
                                    g_param_spec_enum(name, nick, blurb, type, value, kReady));
  };
  install(kPlaylistTypeFromEnd, "playlist-type", "Playlist type",
          "Whether playlists list the last window, or everything since the beginning",
          GST_TYPE_HLS_LIVE_SINK_PLAYLIST_TYPE, static_cast<int>(initial.playlist_type));
  install(kContainerFromEnd, "container", "Container", "What segments are made of",
          GST_TYPE_HLS_LIVE_SINK_CONTAINER, static_cast<int>(initial.container));
  install(kSyncFromEnd, "sync-files", "Sync files",
          "What is on the disk for certain when the power fails; a process that dies loses nothing "
          "that was listed in any case",
          GST_TYPE_HLS_LIVE_SINK_SYNC, static_cast<int>(initial.sync_policy));
  install(kAudioFromEnd, "audio", "Audio",
          "Whether sound is muxed into the renditions or has playlists of its own",
          GST_TYPE_HLS_LIVE_SINK_AUDIO, static_cast<int>(initial.audio)); /**
   * GstHlsLiveSink:bandwidths:
   *
   * Peak bit rates of renditions, in bit/s, as they are known beforehand: `bandwidths="b,0=2500000,1=800000"`.
   * BANDWIDTH in the master playlist is what is measured so far, or this if it is more.
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kBandwidthsFromEnd),
      g_param_spec_boxed(
          "bandwidths", "Bandwidths",
          "Peak bit rates of renditions by their names, in bit/s, where they are known "
          "beforehand: b,0=2500000,1=800000",
          GST_TYPE_STRUCTURE, kReady));

  /**
   * GstHlsLiveSink:stats:
   *
   * Structure application/x-hlslivesink-stats. For each rendition N a structure `rendition-N`:
   * `segments`, `parts`, `gaps` (segments that could not be written), `bytes`, `sequence` (of the
   * newest segment), `bandwidth` (bit/s, the peak), `delay` and `worst-delay` (ns, from the last frame
   * of a part or segment to the playlist that lists it). `date-source` (what PROGRAM-DATE-TIME goes by:
   * `capture`, `arrival` or `local`) and `date-error` (ns, that it still has to make good).
   *
   * Since: 0.1
   */
  g_object_class_install_property(
      object_class, property_id(kStatsFromEnd),
      g_param_spec_boxed("stats", "Statistics", "What has been written, and how fast",
                         GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  /**
   * GstHlsLiveSink::request-resource:
   * @target: what a player asks for, without the leading slash, with its query
   * @offset: from which byte on
   *
   * For an HTTP server (see `hlsorigin`): any thread, never waits. Returns the structure
   * `hls-resource`: `status` 200, 202 (not yet: ask again when #GstHlsLiveSink::resource-changed says
   * `wait-for`, for `patience` ns at most, then answer 503), 400, 404 or 503; `reason` where it is an
   * error; `data` (#GstBuffer, the bytes that are there), `complete` (whether more will come),
   * `content-type` and `cache-control`.
   *
   * Since: 0.1
   */
  signals[SIGNAL_REQUEST_RESOURCE] =
      g_signal_new_class_handler("request-resource", GST_TYPE_HLS_LIVE_SINK,
                                 static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                                 G_CALLBACK(gst_hls_live_sink_request_resource), nullptr, nullptr,
                                 nullptr, GST_TYPE_STRUCTURE, 2, G_TYPE_STRING, G_TYPE_UINT64);
  /**
   * GstHlsLiveSink::resource-changed:
   * @name: of a playlist or file
   *
   * It has a new text, more bytes, or is complete. Emitted from streaming threads.
   *
   * Since: 0.1
   */
  signals[SIGNAL_RESOURCE_CHANGED] =
      g_signal_new("resource-changed", GST_TYPE_HLS_LIVE_SINK, G_SIGNAL_RUN_LAST, 0, nullptr,
                   nullptr, nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * GstHlsLiveSink::request-key:
   * @kid: its number, which players get in the URI
   *
   * With #GstHlsLiveSink:encrypt-key-uri: returns the 16 bytes (#GBytes) of the key. Asked a segment ahead
   * from a streaming thread. Without an answer, or with one that has another length, a random key is made,
   * and posted as element message `hlslivesink-key` (`kid`, `key`).
   *
   * Since: 0.1
   */
  signals[SIGNAL_REQUEST_KEY] =
      g_signal_new("request-key", GST_TYPE_HLS_LIVE_SINK, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr,
                   nullptr, G_TYPE_BYTES, 1, G_TYPE_UINT64);

  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_set_static_metadata(element_class, "HLS live sink", "Sink/Muxer",
                                        "Writes live HLS: segments, parts and playlists",
                                        "The gst-onair developers");
  element_class->change_state = gst_hls_live_sink_change_state;
  element_class->request_new_pad = gst_hls_live_sink_request_new_pad;
  element_class->release_pad = gst_hls_live_sink_release_pad;
  GST_BIN_CLASS(klass)->handle_message = gst_hls_live_sink_handle_message;
  for (const auto type : {GST_TYPE_HLS_LIVE_SINK_PLAYLIST_TYPE, GST_TYPE_HLS_LIVE_SINK_CONTAINER,
                          GST_TYPE_HLS_LIVE_SINK_SYNC, GST_TYPE_HLS_LIVE_SINK_AUDIO})
    gst_type_mark_as_plugin_api(type, static_cast<GstPluginAPIFlags>(0));
}
