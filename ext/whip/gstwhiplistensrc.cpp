// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-whiplistensrc
 * @title: whiplistensrc
 * @short_description: WHIP endpoint that takes one WebRTC publisher at a time
 *
 * A WHIP endpoint (RFC 9725) by itself: it listens for HTTP, negotiates WebRTC with the publisher
 * that comes, and gives out its RTP: Opus on `audio_%u`, H.264 on `video_%u`. A pad appears with
 * the first packet of its stream, in the order in which the streams arrive. When the publisher
 * leaves, what was received still goes out, the pads go away (after EOS, with
 * #GstWhipListenSrc:send-eos), and the endpoint takes the next publisher. Inside works a stock
 * `webrtcbin`; its jitter buffers are made from #GstWhipListenSrc:jitterbuffer.
 *
 * A pad that nobody links, or whose consumer fails, does not disturb the other. A consumer that
 * blocks for more than 8 s loses the oldest packets.
 *
 * The publisher's first key frame is asked for until it comes. Later ones are the consumer's
 * business: `rtph264depay request-keyframe=true` after a loss, upstream GstForceKeyUnit events, or
 * #GstWhipListenSrc:keyframe-interval.
 *
 * Each turn of a session is posted as an element message `whip-session` with the fields `state`
 * ("offered", "connected" or "ended"), `session-id`, `remote-address`, `user-agent`, `audio` and
 * `video` (booleans: what the publisher sends; valid in "offered" and "connected"), and for "ended"
 * `reason` ("deleted", "ice-failed", "dtls-failed", "idle-timeout", "replaced", "application",
 * "stopped" or "error") and `detail`, a sentence for a person.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e whiplistensrc name=whip token=secret \
 *     whip.video_0 ! rtph264depay request-keyframe=true ! h264parse \
 *       ! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! mpegtsmux name=mux \
 *       ! filesink location=broadcast.ts \
 *     whip.audio_0 ! rtpopusdepay ! opusdec plc=true use-inband-fec=true ! audioconvert \
 *       ! audioresample ! audiorate skip-to-first=true ! lamemp3enc target=bitrate bitrate=128 cbr=true \
 *       ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! mux.
 * ]| Publish to http://127.0.0.1:8889/whip with the token "secret"; the broadcast is recorded as
 * sent, with the sound as MP3. Ctrl-C ends the recording.
 *
 * Since: 0.1
 */

#include "gstwhiplistensrc.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "endpoint.hpp"
#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "glue/guarded.hpp"

GST_DEBUG_CATEGORY(gst_whip_listen_src_debug);
#define GST_CAT_DEFAULT gst_whip_listen_src_debug

using onair::ControlThread;
using onair::GMemory;
using onair::GstPtr;
using onair::Guarded;
using onair::whip::Endpoint;

namespace {

constexpr const char* kDefaultAddress = "127.0.0.1";
constexpr guint kDefaultPort = 8889;
constexpr const char* kDefaultPath = "/whip";
constexpr const char* kDefaultJitterbuffer = "rtpjitterbuffer";
constexpr guint kDefaultLatencyMs = 200;
constexpr GstClockTime kDefaultIdleTimeout = 10 * GST_SECOND;
constexpr GstClockTime kDefaultConnectTimeout = 15 * GST_SECOND;
constexpr GstClockTime kDefaultTakeoverTime = 2 * GST_SECOND;
constexpr GstClockTime kDefaultGatheringTimeout = 2 * GST_SECOND;
constexpr guint kDefaultMaxRequestSize = 64 * 1024;  // an offer with every codec is about 8 KiB

struct Settings {
  std::string address = kDefaultAddress;
  guint port = kDefaultPort;
  std::string path = kDefaultPath;
  std::string token;
  std::string jitterbuffer = kDefaultJitterbuffer;
  guint latency_ms = kDefaultLatencyMs;
  std::string stun_server;
  std::string turn_server;
  guint min_rtp_port = 0;
  guint max_rtp_port = 65535;
  GstClockTime idle_timeout = kDefaultIdleTimeout;
  GstClockTime connect_timeout = kDefaultConnectTimeout;
  GstClockTime takeover_time = kDefaultTakeoverTime;
  GstClockTime gathering_timeout = kDefaultGatheringTimeout;
  guint max_request_size = kDefaultMaxRequestSize;
  GstClockTime keyframe_interval = 0;
  bool send_eos = false;
};

// What runs between READY and PAUSED. Members die in the reverse order: the thread first.
struct Running {
  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<ControlThread> control;
};

struct Private {
  Guarded<Settings> settings;
  Guarded<std::shared_ptr<Running>> running;
};

}  // namespace

struct _GstWhipListenSrc {
  GstBin parent;
  Private* priv;
};

enum {
  PROP_0,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_CURRENT_PORT,
  PROP_PATH,
  PROP_TOKEN,
  PROP_JITTERBUFFER,
  PROP_LATENCY,
  PROP_STUN_SERVER,
  PROP_TURN_SERVER,
  PROP_MIN_RTP_PORT,
  PROP_MAX_RTP_PORT,
  PROP_IDLE_TIMEOUT,
  PROP_CONNECT_TIMEOUT,
  PROP_TAKEOVER_TIME,
  PROP_GATHERING_TIMEOUT,
  PROP_MAX_REQUEST_SIZE,
  PROP_KEYFRAME_INTERVAL,
  PROP_SEND_EOS,
  PROP_STATS
};

// Chromium offers "OPUS", Firefox "opus": caps are compared as strings, so both stand here.
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("application/x-rtp, media = (string) audio, encoding-name = (string) OPUS, "
                    "clock-rate = (int) 48000"));
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("application/x-rtp, media = (string) video, encoding-name = (string) H264, "
                    "clock-rate = (int) 90000"));

#define gst_whip_listen_src_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstWhipListenSrc, gst_whip_listen_src, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    whiplistensrc, "whiplistensrc", GST_RANK_NONE, GST_TYPE_WHIP_LISTEN_SRC,
    GST_DEBUG_CATEGORY_INIT(gst_whip_listen_src_debug, "whiplistensrc", 0, "WHIP endpoint source"))

static void gst_whip_listen_src_init(GstWhipListenSrc* self) {
  self->priv = new Private;
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  gst_bin_set_suppressed_flags(GST_BIN(self), GST_ELEMENT_FLAG_SOURCE);
}

static void gst_whip_listen_src_finalize(GObject* object) {
  delete GST_WHIP_LISTEN_SRC(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static std::string string_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}

static void gst_whip_listen_src_set_property(GObject* object, guint id, const GValue* value,
                                             GParamSpec* spec) {
  const auto settings = GST_WHIP_LISTEN_SRC(object)->priv->settings.lock();
  switch (id) {
    case PROP_ADDRESS:
      settings->address = string_of(value);
      break;
    case PROP_PORT:
      settings->port = g_value_get_uint(value);
      break;
    case PROP_PATH:
      settings->path = string_of(value);
      break;
    case PROP_TOKEN:
      settings->token = string_of(value);
      break;
    case PROP_JITTERBUFFER:
      settings->jitterbuffer = string_of(value);
      break;
    case PROP_LATENCY:
      settings->latency_ms = g_value_get_uint(value);
      break;
    case PROP_STUN_SERVER:
      settings->stun_server = string_of(value);
      break;
    case PROP_TURN_SERVER:
      settings->turn_server = string_of(value);
      break;
    case PROP_MIN_RTP_PORT:
      settings->min_rtp_port = g_value_get_uint(value);
      break;
    case PROP_MAX_RTP_PORT:
      settings->max_rtp_port = g_value_get_uint(value);
      break;
    case PROP_IDLE_TIMEOUT:
      settings->idle_timeout = g_value_get_uint64(value);
      break;
    case PROP_CONNECT_TIMEOUT:
      settings->connect_timeout = g_value_get_uint64(value);
      break;
    case PROP_TAKEOVER_TIME:
      settings->takeover_time = g_value_get_uint64(value);
      break;
    case PROP_GATHERING_TIMEOUT:
      settings->gathering_timeout = g_value_get_uint64(value);
      break;
    case PROP_MAX_REQUEST_SIZE:
      settings->max_request_size = g_value_get_uint(value);
      break;
    case PROP_KEYFRAME_INTERVAL:
      settings->keyframe_interval = g_value_get_uint64(value);
      break;
    case PROP_SEND_EOS:
      settings->send_eos = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static GstStructure* make_stats(GstWhipListenSrc* self) {
  const auto running = self->priv->running.get();
  const auto stats = running ? running->endpoint->stats() : Endpoint::Stats{};
  const char* state = stats.session_id.empty() ? "idle"
                      : stats.is_connected     ? "connected"
                                               : "connecting";
  GstStructure* structure = gst_structure_new(
      "application/x-whip-stats", "state", G_TYPE_STRING, state, "session-id", G_TYPE_STRING,
      stats.session_id.c_str(), "sessions", G_TYPE_UINT64, stats.sessions, "requests",
      G_TYPE_UINT64, stats.requests, "refused-requests", G_TYPE_UINT64, stats.refused_requests,
      "ice-restarts", G_TYPE_UINT64, stats.ice_restarts, nullptr);
  for (const auto& stream : stats.streams) {
    const auto one = onair::StructurePtr{gst_structure_new(
        "stream", "packets", G_TYPE_UINT64, stream.received.packets, "bytes", G_TYPE_UINT64,
        stream.received.bytes, "lost", G_TYPE_INT64, stream.received.lost, "media-time",
        G_TYPE_UINT64, onair::to_gst(stream.received.media_time), "keyframe-requests", G_TYPE_UINT,
        stream.keyframe_requests, nullptr)};
    gst_structure_set(structure, onair::to_string(stream.kind), GST_TYPE_STRUCTURE, one.get(),
                      nullptr);
  }
  return structure;
}

static void gst_whip_listen_src_get_property(GObject* object, guint id, GValue* value,
                                             GParamSpec* spec) {
  auto* self = GST_WHIP_LISTEN_SRC(object);
  if (id == PROP_STATS) {
    g_value_take_boxed(value, make_stats(self));
    return;
  }
  if (id == PROP_CURRENT_PORT) {
    const auto running = self->priv->running.get();
    g_value_set_uint(value, running ? running->endpoint->port() : 0);
    return;
  }
  const auto settings = self->priv->settings.get();
  const auto set_string = [value](const std::string& text) {
    g_value_set_string(value, text.empty() ? nullptr : text.c_str());
  };
  switch (id) {
    case PROP_ADDRESS:
      set_string(settings.address);
      break;
    case PROP_PORT:
      g_value_set_uint(value, settings.port);
      break;
    case PROP_PATH:
      set_string(settings.path);
      break;
    case PROP_TOKEN:
      set_string(settings.token);
      break;
    case PROP_JITTERBUFFER:
      set_string(settings.jitterbuffer);
      break;
    case PROP_LATENCY:
      g_value_set_uint(value, settings.latency_ms);
      break;
    case PROP_STUN_SERVER:
      set_string(settings.stun_server);
      break;
    case PROP_TURN_SERVER:
      set_string(settings.turn_server);
      break;
    case PROP_MIN_RTP_PORT:
      g_value_set_uint(value, settings.min_rtp_port);
      break;
    case PROP_MAX_RTP_PORT:
      g_value_set_uint(value, settings.max_rtp_port);
      break;
    case PROP_IDLE_TIMEOUT:
      g_value_set_uint64(value, settings.idle_timeout);
      break;
    case PROP_CONNECT_TIMEOUT:
      g_value_set_uint64(value, settings.connect_timeout);
      break;
    case PROP_TAKEOVER_TIME:
      g_value_set_uint64(value, settings.takeover_time);
      break;
    case PROP_GATHERING_TIMEOUT:
      g_value_set_uint64(value, settings.gathering_timeout);
      break;
    case PROP_MAX_REQUEST_SIZE:
      g_value_set_uint(value, settings.max_request_size);
      break;
    case PROP_KEYFRAME_INTERVAL:
      g_value_set_uint64(value, settings.keyframe_interval);
      break;
    case PROP_SEND_EOS:
      g_value_set_boolean(value, settings.send_eos);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void post_event(GstWhipListenSrc* self, const Endpoint::Event& event) {
  static constexpr std::array kStates{"offered", "connected", "ended"};
  const char* state = kStates[static_cast<std::size_t>(event.kind)];
  GstStructure* structure = gst_structure_new(
      "whip-session", "state", G_TYPE_STRING, state, "session-id", G_TYPE_STRING,
      event.session_id.c_str(), "remote-address", G_TYPE_STRING, event.remote_address.c_str(),
      "user-agent", G_TYPE_STRING, event.user_agent.c_str(), "audio", G_TYPE_BOOLEAN,
      event.has_audio, "video", G_TYPE_BOOLEAN, event.has_video, nullptr);
  if (event.kind == Endpoint::Event::Kind::Ended)
    gst_structure_set(structure, "reason", G_TYPE_STRING, onair::to_string(event.reason), "detail",
                      G_TYPE_STRING, event.detail.c_str(), nullptr);
  GST_INFO_OBJECT(self, "publisher %s (%s) %s %s", event.session_id.c_str(),
                  event.remote_address.c_str(), state, event.detail.c_str());
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

// Pipeline clock where there is one, so that tests can crank it; any thread.
static onair::ClockTime clock_now(GstWhipListenSrc* self) {
  auto clock = GstPtr<GstClock>::adopt(gst_element_get_clock(GST_ELEMENT(self)));
  if (!clock)
    clock = GstPtr<GstClock>::adopt(gst_system_clock_obtain());
  return *onair::to_clock_time(gst_clock_get_time(clock.get()));
}

static Endpoint::Config make_config(GstWhipListenSrc* self) {
  const auto settings = self->priv->settings.get();
  auto* element_class = GST_ELEMENT_GET_CLASS(self);
  const bool has_range = settings.min_rtp_port != 0 || settings.max_rtp_port != 65535;
  const auto duration = [](GstClockTime time) {
    return onair::to_duration(time).value_or(onair::Duration::zero());
  };
  return {
      .address = settings.address,
      .port = settings.port,
      .path = settings.path.starts_with('/') ? settings.path : "/" + settings.path,
      .token = settings.token,
      .max_request_size = settings.max_request_size,
      .send_eos = settings.send_eos,
      .takeover_time = duration(settings.takeover_time),
      .session = {.bin = GST_BIN(self),
                  .audio_template = gst_element_class_get_pad_template(element_class, "audio_%u"),
                  .video_template = gst_element_class_get_pad_template(element_class, "video_%u"),
                  .jitterbuffer = settings.jitterbuffer,
                  .latency_ms = settings.latency_ms,
                  .stun_server = settings.stun_server,
                  .turn_server = settings.turn_server,
                  .min_port = has_range ? settings.min_rtp_port : 0,
                  .max_port = has_range ? settings.max_rtp_port : 0,
                  .keyframe_interval = duration(settings.keyframe_interval),
                  .gathering_timeout = duration(settings.gathering_timeout),
                  .liveness = {.connect_timeout = duration(settings.connect_timeout),
                               .idle_timeout = duration(settings.idle_timeout)},
                  .now = [self] { return clock_now(self); }}};
}

// Everything that a session will need, asked for before the first publisher comes.
static bool check_elements(GstWhipListenSrc* self) {
  struct Need {
    std::string factory;
    const char* package;
  };
  const std::array<Need, 7> needs{
      {{"webrtcbin", "gstreamer1.0-plugins-bad"},
       {"dtlssrtpdec", "gstreamer1.0-plugins-bad"},
       {"srtpdec", "gstreamer1.0-plugins-bad"},
       {"errorignore", "gstreamer1.0-plugins-bad"},
       {"nicesrc", "gstreamer1.0-nice"},
       {"rtpbin", "gstreamer1.0-plugins-good"},
       {self->priv->settings.get().jitterbuffer, "the plugin that has it"}}};
  for (const auto& need : needs) {
    if (GstPtr<GstElementFactory>::adopt(gst_element_factory_find(need.factory.c_str())))
      continue;
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                      ("The element '%s' is not installed; on Debian, install %s.",
                       need.factory.c_str(), need.package),
                      (nullptr));
    return false;
  }
  return true;
}

static bool start(GstWhipListenSrc* self) {
  auto config = make_config(self);
  const auto where = config.address + ":" + std::to_string(config.port);
  if (config.token.empty())
    GST_WARNING_OBJECT(self, "no token is set: everybody who reaches %s can publish",
                       where.c_str());
  auto running = std::make_shared<Running>();
  running->control = std::make_unique<ControlThread>("whiplistensrc");
  running->endpoint =
      std::make_unique<Endpoint>(*running->control, std::move(config),
                                 [self](const Endpoint::Event& event) { post_event(self, event); });
  std::string error;
  running->control->run([&] {
    error = running->endpoint->listen();
    if (!error.empty())
      running->endpoint->stop();
  });
  if (!error.empty()) {
    running->control.reset();
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_READ,
        ("Cannot listen on %s: %s. Choose another address or port.", where.c_str(), error.c_str()),
        (nullptr));
    return false;
  }
  GST_INFO_OBJECT(self, "listening on port %u", running->endpoint->port());
  self->priv->running.set(running);
  g_object_notify(G_OBJECT(self), "current-port");
  return true;
}

static void stop(GstWhipListenSrc* self) {
  const auto running = self->priv->running.get();
  if (!running)
    return;
  running->control->run([&] { running->endpoint->stop(); });
  self->priv->running.set(nullptr);
  running->control.reset();
}

static GstStateChangeReturn gst_whip_listen_src_change_state(GstElement* element,
                                                             GstStateChange transition) {
  auto* self = GST_WHIP_LISTEN_SRC(element);
  const auto set_ready = [self](bool is_ready) {
    if (const auto running = self->priv->running.get())
      running->endpoint->set_ready(is_ready);
  };
  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!check_elements(self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (!start(self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      set_ready(false);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      stop(self);
      break;
    default:
      break;
  }
  const auto result = GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE) {
    stop(self);
    return result;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    set_ready(true);
  // A live source has nothing to preroll with.
  const bool is_paused = transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
                         transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED;
  return is_paused ? GST_STATE_CHANGE_NO_PREROLL : result;
}

// Whether `source` is one of our webrtcbins or inside one.
static bool is_in_webrtcbin(GstObject* source, GstWhipListenSrc* self) {
  for (GstObject* at = source; at && at != GST_OBJECT(self); at = GST_OBJECT_PARENT(at)) {
    GstElementFactory* factory =
        GST_IS_ELEMENT(at) ? gst_element_get_factory(GST_ELEMENT(at)) : nullptr;
    if (factory && g_str_equal(GST_OBJECT_NAME(factory), "webrtcbin"))
      return true;
  }
  return false;
}

// An error of one publisher's session must not end the pipeline: it ends the session.
static void gst_whip_listen_src_handle_message(GstBin* bin, GstMessage* message) {
  auto* self = GST_WHIP_LISTEN_SRC(bin);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR &&
      is_in_webrtcbin(GST_MESSAGE_SRC(message), self)) {
    const auto owned = GstPtr<GstMessage>::adopt(message);
    GST_WARNING_OBJECT(self, "error of a session: %" GST_PTR_FORMAT, message);
    if (const auto running = self->priv->running.get())
      running->endpoint->on_bus_error(message);
    return;
  }
  GST_BIN_CLASS(parent_class)->handle_message(bin, message);
}

// What `gst-launch-1.0 -e` sends at Ctrl-C. The pads carry it on, behind the last packets.
static gboolean gst_whip_listen_src_send_event(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS(parent_class)->send_event(element, event);
  gst_event_unref(event);
  const auto running = GST_WHIP_LISTEN_SRC(element)->priv->running.get();
  if (!running)
    return FALSE;
  running->control->post([running] { running->endpoint->send_eos(); });
  return TRUE;
}

static void install_properties(GObjectClass* klass) {
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                              GST_PARAM_MUTABLE_READY);
  const auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto string = [&](guint id, const char* name, const char* nick, const char* blurb,
                          const char* initial) {
    g_object_class_install_property(klass, id,
                                    g_param_spec_string(name, nick, blurb, initial, flags));
  };
  const auto number = [&](guint id, const char* name, const char* nick, const char* blurb,
                          guint min, guint max, guint initial) {
    g_object_class_install_property(klass, id,
                                    g_param_spec_uint(name, nick, blurb, min, max, initial, flags));
  };
  const auto time = [&](guint id, const char* name, const char* nick, const char* blurb,
                        GstClockTime initial) {
    g_object_class_install_property(
        klass, id, g_param_spec_uint64(name, nick, blurb, 0, G_MAXINT64, initial, flags));
  };
  string(PROP_ADDRESS, "address", "Address",
         "IP address that HTTP listens on; 0.0.0.0 or :: for all", kDefaultAddress);
  number(PROP_PORT, "port", "Port", "TCP port that HTTP listens on; 0 takes any free one", 0, 65535,
         kDefaultPort);
  g_object_class_install_property(
      klass, PROP_CURRENT_PORT,
      g_param_spec_uint("current-port", "Current port",
                        "TCP port that HTTP is listening on, 0 while it is not", 0, 65535, 0,
                        read_only));
  string(PROP_PATH, "path", "Path", "Path of the endpoint's URL; sessions lie below it",
         kDefaultPath);
  string(PROP_TOKEN, "token", "Token",
         "Bearer token that a publisher must send; unset lets everybody publish", nullptr);
  string(PROP_JITTERBUFFER, "jitterbuffer", "Jitter buffer",
         "Factory of the element that orders each stream's packets, as rtpbin's "
         "request-jitterbuffer takes it",
         kDefaultJitterbuffer);
  number(PROP_LATENCY, "latency", "Latency",
         "Longest wait of the jitter buffer for a missing packet, in milliseconds; more repairs "
         "more and is later",
         0, 60'000, kDefaultLatencyMs);
  string(PROP_STUN_SERVER, "stun-server", "STUN server",
         "STUN server as stun://host:port, for us and (by a Link header) for the publisher",
         nullptr);
  string(PROP_TURN_SERVER, "turn-server", "TURN server",
         "TURN server as turn(s)://user:password@host:port, for us and (by a Link header) for the "
         "publisher",
         nullptr);
  number(PROP_MIN_RTP_PORT, "min-rtp-port", "Lowest RTP port",
         "Lowest UDP port for media, to match a firewall", 0, 65535, 0);
  number(PROP_MAX_RTP_PORT, "max-rtp-port", "Highest RTP port",
         "Highest UDP port for media, to match a firewall", 0, 65535, 65535);
  time(PROP_IDLE_TIMEOUT, "idle-timeout", "Idle timeout",
       "Nanoseconds without any RTP or RTCP packet after which the publisher counts as gone; 0 "
       "waits for ever",
       kDefaultIdleTimeout);
  time(PROP_CONNECT_TIMEOUT, "connect-timeout", "Connect timeout",
       "Nanoseconds from the offer to the first packet after which the attempt has failed",
       kDefaultConnectTimeout);
  time(PROP_TAKEOVER_TIME, "takeover-time", "Takeover time",
       "Nanoseconds of a publisher's silence after which another may take its place, so that a "
       "reloaded page need not wait for idle-timeout",
       kDefaultTakeoverTime);
  time(PROP_GATHERING_TIMEOUT, "gathering-timeout", "Gathering timeout",
       "Nanoseconds that the answer waits for ICE candidates, in case a STUN server does not reply",
       kDefaultGatheringTimeout);
  number(PROP_MAX_REQUEST_SIZE, "max-request-size", "Largest request",
         "Bytes of the largest request body that is read; larger ones get 413", 1024,
         4 * 1024 * 1024, kDefaultMaxRequestSize);
  time(
      PROP_KEYFRAME_INTERVAL, "keyframe-interval", "Key frame interval",
      "Nanoseconds between the key frames that the publisher is asked for, for consumers that pass "
      "its picture through; 0 asks for the first only",
      0);
  g_object_class_install_property(
      klass, PROP_SEND_EOS,
      g_param_spec_boolean("send-eos", "Send EOS",
                           "Send EOS down a pad before it goes away with its publisher", FALSE,
                           flags));
  g_object_class_install_property(
      klass, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Structure application/x-whip-stats: state (idle, connecting, connected), "
          "session-id, sessions, requests, refused-requests, ice-restarts, and for "
          "each of audio and video a structure with packets, bytes, lost, media-time "
          "(ns) and keyframe-requests",
          GST_TYPE_STRUCTURE, read_only));
}

static void end_session(GstWhipListenSrc* self) {
  if (const auto running = self->priv->running.get())
    running->control->post([running] {
      running->endpoint->end_session(onair::EndReason::Application,
                                     "The application ended the session.");
    });
}

static void gst_whip_listen_src_class_init(GstWhipListenSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_whip_listen_src_finalize;
  object_class->set_property = gst_whip_listen_src_set_property;
  object_class->get_property = gst_whip_listen_src_get_property;
  element_class->change_state = gst_whip_listen_src_change_state;
  element_class->send_event = gst_whip_listen_src_send_event;
  GST_BIN_CLASS(klass)->handle_message = gst_whip_listen_src_handle_message;
  install_properties(object_class);

  /**
   * GstWhipListenSrc::end-session:
   *
   * Ends the session of the publisher that is live, if one is, with the reason "application". The
   * endpoint goes on and takes the next. From any thread; returns at once.
   *
   * Since: 0.1
   */
  g_signal_new_class_handler("end-session", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(end_session), nullptr, nullptr, nullptr, G_TYPE_NONE, 0);
  gst_element_class_add_static_pad_template(element_class, &audio_template);
  gst_element_class_add_static_pad_template(element_class, &video_template);
  gst_element_class_set_static_metadata(
      element_class, "WHIP endpoint", "Source/Network/WebRTC",
      "Listens for one WebRTC publisher at a time (WHIP, RFC 9725) and gives out its RTP",
      "the gst-onair developers");
}
