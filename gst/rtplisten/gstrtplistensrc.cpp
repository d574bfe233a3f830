// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtplistensrc
 * @title: rtplistensrc
 * @short_description: Takes the plain RTP that an SFU forwards, one publisher at a time
 *
 * Listens on two UDP ports for the RTP that an SFU forwards (Janus by `rtp_forward`, others by their plain
 * transports) and gives it out as `whiplistensrc` gives out that of its publisher: Opus on `audio_%u`, H.264 on
 * `video_%u`. A pad appears with the first packet of its stream, in the order in which the streams arrive. When
 * nothing comes any more, what was received still goes out, the pads go away (after EOS, with
 * #GstRtpListenSrc:send-eos), and the next publisher may come. Inside, `udpsrc`s read, and a jitter buffer for
 * each stream is made from #GstRtpListenSrc:jitterbuffer; both share their latency.
 *
 * What a port takes is learned from the packets: two RTP packets in a row with the same sender, SSRC and payload
 * type whose payload is one of H.264 or Opus are the stream, and from then on nothing else passes (other
 * payload types, as those of retransmission, FEC or telephone events, too). What is dropped is counted by its
 * reason in #GstRtpListenSrc:stats. When the stream has been silent for #GstRtpListenSrc:takeover-time, or has
 * said goodbye by RTCP, another one may take its place: as the same session while the other stream is heard
 * (a publisher has changed his camera), as a new session when both are silent (the SFU sends another
 * publisher). Where anybody can reach the ports, set #GstRtpListenSrc:source-address, as plain RTP says nothing
 * of who has sent it.
 *
 * Without the RTCP ports, which SFUs need not use, nobody can be asked for a key frame: after a loss, the picture
 * waits for the next that the SFU asks the publisher for by itself (Janus: `fir_freq`). With them, sender reports
 * place sound and picture, and key frame requests (upstream GstForceKeyUnit events,
 * #GstRtpListenSrc:keyframe-interval) leave as PLI (RFC 4585) for where the SFU's RTCP comes from.
 *
 * Key frames come in bursts, so that sockets get 2 MB for what is not read yet, as far as the kernel gives that
 * much (`net.core.rmem_max`; 208 kB are usual, a large key frame at once).
 *
 * Each turn of a session is posted as an element message `rtp-session` with the fields `state` ("offered" and
 * "connected" at once with the first stream, "silent" or "resumed" (with #GstRtpListenSrc:silence-time), or
 * "ended"), `session-id`, `remote-address` (the sender's IP address), `user-agent` (empty), `audio` and `video`
 * (booleans: which of them are received, should they come), and for "ended" `reason` ("idle-timeout",
 * "replaced", "application", "stopped" or "error") and `detail`, a sentence for a person.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -e rtplistensrc name=rtp audio-port=5002 video-port=5004 \
 *     rtp.video_0 ! rtph264depay wait-for-keyframe=true ! h264parse \
 *       ! video/x-h264,stream-format=byte-stream,alignment=au ! queue ! mpegtsmux name=mux \
 *       ! filesink location=forwarded.ts \
 *     rtp.audio_0 ! rtpopusdepay ! opusdec plc=true use-inband-fec=true ! audioconvert \
 *       ! audioresample ! audiorate skip-to-first=true ! lamemp3enc target=bitrate bitrate=128 cbr=true \
 *       ! audio/mpeg,rate=48000 ! mpegaudioparse ! queue ! mux. \
 *     videotestsrc is-live=true ! video/x-raw,format=I420 ! x264enc tune=zerolatency key-int-max=60 \
 *       ! rtph264pay pt=102 ! udpsink host=127.0.0.1 port=5004 async=false \
 *     audiotestsrc is-live=true samplesperbuffer=960 ! audio/x-raw,rate=48000 \
 *       ! opusenc ! rtpopuspay pt=111 ! udpsink host=127.0.0.1 port=5002 async=false
 * ]| Sends a test picture and a tone over the loopback interface and records what arrives, until Ctrl-C. To
 * record what Janus forwards, leave the last two out and have it forward to these ports:
 * `{"request": "rtp_forward", "room": 1234, "publisher_id": 1, "host": "127.0.0.1", "audio_port": 5002,
 * "video_port": 5004}`.
 *
 * Since: 0.1
 */

#include "gstrtplistensrc.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gio/gio.h>

#include "glue/element_clock.hpp"
#include "glue/gstptr.hpp"
#include "glue/gsttime.hpp"
#include "glue/guarded.hpp"
#include "glue/properties.hpp"
#include "receiver.hpp"
#include "rtcingest/listen_element.hpp"

GST_DEBUG_CATEGORY(gst_rtp_listen_src_debug);
#define GST_CAT_DEFAULT gst_rtp_listen_src_debug

using onair::ControlThread;
using onair::GstPtr;
using onair::Guarded;
using onair::ListenElement;
using onair::MediaKind;
using onair::PublisherEvent;
using onair::rtplisten::Receiver;

namespace {

// What the properties set; the values here are their defaults.
struct Settings {
  std::string address = "127.0.0.1";
  gint audio_port = 0;
  gint video_port = 0;
  gint audio_rtcp_port = -1;
  gint video_rtcp_port = -1;
  std::string source_address;
  gint audio_payload_type = -1;
  gint video_payload_type = -1;
  guint audio_ssrc = 0;
  guint video_ssrc = 0;
  std::string jitterbuffer = "rtpadaptivejitterbuffer";
  guint latency_ms = 600;
  guint64 takeover_time = GST_SECOND;
  guint64 idle_timeout = 10 * GST_SECOND;
  guint64 silence_time = 0;
  guint64 keyframe_interval = 0;
  bool send_eos = false;
};

constexpr guint64 kMostPort = 65535;
constexpr guint64 kMostPayloadType = 127;

constexpr std::array<onair::Property<Settings>, 17> kProperties{{
    {"address", "Address",
     "IP address that packets are taken at; 0.0.0.0 or :: for all; a multicast group is joined",
     &Settings::address},
    {"audio-port", "Audio port",
     "UDP port for the RTP of the sound; 0 takes any free one, -1 takes no sound",
     &Settings::audio_port, 0, kMostPort},
    {"video-port", "Video port",
     "UDP port for the RTP of the picture; 0 takes any free one, -1 takes no picture",
     &Settings::video_port, 0, kMostPort},
    {"audio-rtcp-port", "Audio RTCP port",
     "UDP port for the RTCP of the sound; 0 takes any free one, -1 does without",
     &Settings::audio_rtcp_port, 0, kMostPort},
    {"video-rtcp-port", "Video RTCP port",
     "UDP port for the RTCP of the picture; 0 takes any free one, -1 does without, and nobody can "
     "be "
     "asked for a key frame",
     &Settings::video_rtcp_port, 0, kMostPort},
    {"source-address", "Source address",
     "IP address that may send; packets from any other are dropped and counted; unset lets "
     "everybody send",
     &Settings::source_address},
    {"audio-payload-type", "Audio payload type",
     "RTP payload type of the sound; -1 learns it from the first packets",
     &Settings::audio_payload_type, 0, kMostPayloadType},
    {"video-payload-type", "Video payload type",
     "RTP payload type of the picture; -1 learns it from the first packets",
     &Settings::video_payload_type, 0, kMostPayloadType},
    {"audio-ssrc", "Audio SSRC", "SSRC of the sound; 0 learns it from the first packets",
     &Settings::audio_ssrc, 0, G_MAXUINT32},
    {"video-ssrc", "Video SSRC", "SSRC of the picture; 0 learns it from the first packets",
     &Settings::video_ssrc, 0, G_MAXUINT32},
    {"jitterbuffer", "Jitter buffer",
     "Factory of the element that orders each stream's packets, as rtpbin's request-jitterbuffer "
     "takes it",
     &Settings::jitterbuffer},
    {"latency", "Latency",
     "Longest wait of the jitter buffer for a missing packet, in milliseconds; more repairs more "
     "and can be later",
     &Settings::latency_ms, 0, 60'000},
    {"takeover-time", "Takeover time",
     "Nanoseconds of a stream's silence after which another may take its place, so that an SFU "
     "that "
     "starts again need not wait for idle-timeout",
     &Settings::takeover_time},
    {"idle-timeout", "Idle timeout",
     "Nanoseconds without any packet of a stream after which the publisher counts as gone; 0 waits "
     "for ever",
     &Settings::idle_timeout},
    {"silence-time", "Silence time",
     "Nanoseconds without any packet of a stream after which a message says that the publisher is "
     "silent; 0 says nothing",
     &Settings::silence_time},
    {"keyframe-interval", "Key frame interval",
     "Nanoseconds between the key frames that the SFU is asked for by RTCP, for consumers that "
     "pass "
     "its picture through; 0 asks for the first only",
     &Settings::keyframe_interval},
    {"send-eos", "Send EOS", "Send EOS down a pad before it goes away with its publisher",
     &Settings::send_eos},
}};

// The ports, each with the properties that belong to it.
struct PortProperties {
  MediaKind kind;
  bool is_rtcp;
  gint Settings::*number;
  const char* name;
  const char* current;
  const char* socket;
  const char* what;
};
constexpr std::array<PortProperties, 4> kPorts{{
    {MediaKind::Audio, false, &Settings::audio_port, "audio-port", "current-audio-port",
     "audio-socket", "the RTP of the sound"},
    {MediaKind::Video, false, &Settings::video_port, "video-port", "current-video-port",
     "video-socket", "the RTP of the picture"},
    {MediaKind::Audio, true, &Settings::audio_rtcp_port, "audio-rtcp-port",
     "current-audio-rtcp-port", "audio-rtcp-socket", "the RTCP of the sound"},
    {MediaKind::Video, true, &Settings::video_rtcp_port, "video-rtcp-port",
     "current-video-rtcp-port", "video-rtcp-socket", "the RTCP of the picture"},
}};
// Behind the table.
constexpr guint kFirstSocketId = kProperties.size() + 1;
constexpr guint kFirstCurrentId = kFirstSocketId + kPorts.size();
constexpr guint kStatsId = kFirstCurrentId + kPorts.size();

using Sockets = std::array<GstPtr<GSocket>, kPorts.size()>;

struct Private {
  Guarded<Settings> settings;
  Guarded<Sockets> sockets;
  ListenElement<Receiver> listen;
};

}  // namespace

struct _GstRtpListenSrc {
  GstBin parent;
  Private* priv;
};

#define gst_rtp_listen_src_parent_class parent_class
G_DEFINE_FINAL_TYPE(GstRtpListenSrc, gst_rtp_listen_src, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(
    rtplistensrc, "rtplistensrc", GST_RANK_NONE, GST_TYPE_RTP_LISTEN_SRC,
    GST_DEBUG_CATEGORY_INIT(gst_rtp_listen_src_debug, "rtplistensrc", 0, "Source of plain RTP"))

static void gst_rtp_listen_src_finalize(GObject* object) {
  delete GST_RTP_LISTEN_SRC(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_rtp_listen_src_set_property(GObject* object, guint id, const GValue* value,
                                            GParamSpec*) {
  auto* self = GST_RTP_LISTEN_SRC(object);
  if (id >= kFirstSocketId) {
    auto socket = GstPtr<GSocket>::share(static_cast<GSocket*>(g_value_get_object(value)));
    self->priv->sockets.lock()->at(id - kFirstSocketId) = std::move(socket);
  } else {
    const auto settings = self->priv->settings.lock();
    onair::set_property(kProperties.at(id - 1), *settings, value);
  }
}

static GstStructure* make_stats(GstRtpListenSrc* self) {
  using onair::rtplisten::Refusal;
  const auto stats = self->priv->listen.stats();
  const auto refused = onair::StructurePtr{gst_structure_new_empty("refused")};
  guint64 all = 0;
  for (std::size_t why = 0; why < stats.refused.size(); ++why) {
    const guint64 count = stats.refused[why];
    all += count;
    gst_structure_set(refused.get(), to_string(static_cast<Refusal>(why)), G_TYPE_UINT64, count,
                      nullptr);
  }
  GstStructure* structure = onair::to_structure("application/x-rtp-listen-stats", stats.publisher,
                                                {{"refused-packets", all}});
  gst_structure_set(structure, "refused", GST_TYPE_STRUCTURE, refused.get(), nullptr);
  return structure;
}

static void gst_rtp_listen_src_get_property(GObject* object, guint id, GValue* value, GParamSpec*) {
  auto* self = GST_RTP_LISTEN_SRC(object);
  if (id == kStatsId) {
    g_value_take_boxed(value, make_stats(self));
  } else if (id >= kFirstCurrentId) {
    const auto& port = kPorts.at(id - kFirstCurrentId);
    const auto source = self->priv->listen.source();
    g_value_set_uint(value, source ? source->port(port.kind, port.is_rtcp) : 0);
  } else if (id >= kFirstSocketId) {
    g_value_set_object(value, self->priv->sockets.lock()->at(id - kFirstSocketId).get());
  } else {
    onair::get_property(kProperties.at(id - 1), self->priv->settings.get(), value);
  }
}

static Receiver::Config make_config(GstRtpListenSrc* self) {
  const auto settings = self->priv->settings.get();
  const auto sockets = self->priv->sockets.get();
  auto* element_class = GST_ELEMENT_GET_CLASS(self);
  const auto duration = [](GstClockTime time) {
    return onair::to_duration(time).value_or(onair::Duration::zero());
  };
  Receiver::Medium audio{
      .kind = MediaKind::Audio,
      .rtp = {},
      .rtcp = {},
      .payload_type = settings.audio_payload_type,
      .ssrc = settings.audio_ssrc,
      .pad_template = gst_element_class_get_pad_template(element_class, "audio_%u")};
  Receiver::Medium video{
      .kind = MediaKind::Video,
      .rtp = {},
      .rtcp = {},
      .payload_type = settings.video_payload_type,
      .ssrc = settings.video_ssrc,
      .pad_template = gst_element_class_get_pad_template(element_class, "video_%u")};
  for (std::size_t i = 0; i < kPorts.size(); ++i) {
    auto& medium = kPorts[i].kind == MediaKind::Audio ? audio : video;
    (kPorts[i].is_rtcp ? medium.rtcp : medium.rtp) = Receiver::Port{
        .number = settings.*kPorts[i].number, .given = sockets[i], .name = kPorts[i].name};
  }
  return {.bin = GST_BIN(self),
          .address = settings.address,
          .source_address = settings.source_address,
          .media = {std::move(audio), std::move(video)},
          .jitterbuffer = settings.jitterbuffer,
          .latency_ms = settings.latency_ms,
          .send_eos = settings.send_eos,
          .takeover_time = duration(settings.takeover_time),
          .keyframe_interval = duration(settings.keyframe_interval),
          .liveness = {.idle_timeout = duration(settings.idle_timeout),
                       .silence_time = duration(settings.silence_time)},
          .now = [self] { return onair::clock_now(GST_ELEMENT(self)); }};
}

static void gst_rtp_listen_src_init(GstRtpListenSrc* self) {
  const auto required_elements = [self] {
    return std::vector<onair::RequiredElement>{
        {"udpsrc", "gstreamer1.0-plugins-good"},
        {"rtpsession", "gstreamer1.0-plugins-good"},
        {"errorignore", "gstreamer1.0-plugins-bad"},
        {self->priv->settings.get().jitterbuffer, "the plugin that has it"}};
  };
  const auto make_receiver = [self](ControlThread& control) {
    return std::make_unique<Receiver>(
        control, make_config(self),
        [self](const PublisherEvent& event) { self->priv->listen.post("rtp-session", event); });
  };
  const auto on_listening = [self](const Receiver&) {
    for (const auto& port : kPorts)
      g_object_notify(G_OBJECT(self), port.current);
  };
  self->priv = new Private{.settings{},
                           .sockets{},
                           .listen{GST_BIN(self),
                                   {.name = "rtplistensrc",
                                    .category = GST_CAT_DEFAULT,
                                    .required_elements = required_elements,
                                    .where = [self] { return self->priv->settings.get().address; },
                                    .make_source = make_receiver,
                                    .on_listening = on_listening}}};
}

static void install_properties(GObjectClass* klass) {
  const auto settable = static_cast<GParamFlags>(G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY);
  onair::install_properties<Settings>(klass, kProperties, settable);
  const auto read_only = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  for (guint i = 0; i < kPorts.size(); ++i) {
    const std::string what = kPorts[i].what;
    const auto socket_blurb =
        "UDP socket that the application has bound for " + what + ", in place of " + kPorts[i].name;
    g_object_class_install_property(
        klass, kFirstSocketId + i,
        g_param_spec_object(kPorts[i].socket, kPorts[i].socket, socket_blurb.c_str(), G_TYPE_SOCKET,
                            settable));
    const auto port_blurb = "UDP port that takes " + what + ", 0 while there is none";
    g_object_class_install_property(
        klass, kFirstCurrentId + i,
        g_param_spec_uint(kPorts[i].current, kPorts[i].current, port_blurb.c_str(), 0, 65535, 0,
                          G_PARAM_READABLE));
  }
  g_object_class_install_property(
      klass, kStatsId,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Structure application/x-rtp-listen-stats: state (idle, connected), session-id, "
          "sessions, "
          "refused-packets, refused (a structure with their number for each reason: not-rtp, rtcp, "
          "source-address, sender, ssrc, payload-type, payload, stray, ended), and for each of "
          "audio "
          "and video a structure with packets, bytes, lost, media-time (ns), keyframe-requests and "
          "jitterbuffer",
          GST_TYPE_STRUCTURE, read_only));
}

static void gst_rtp_listen_src_class_init(GstRtpListenSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = gst_rtp_listen_src_finalize;
  object_class->set_property = gst_rtp_listen_src_set_property;
  object_class->get_property = gst_rtp_listen_src_get_property;
  install_properties(object_class);

  /**
   * GstRtpListenSrc::end-session:
   *
   * Ends the session that there is, if there is one, with the reason "application". The next begins with
   * another SSRC, or after the one that was known has been silent for the takeover time. From any thread;
   * returns at once.
   *
   * Since: 0.1
   */
  onair::install_listen_element<GstRtpListenSrc>(klass);
  gst_element_class_set_static_metadata(
      element_class, "Plain RTP receiver", "Source/Network/RTP",
      "Listens for the plain RTP that an SFU forwards, one publisher's at a time, and gives it out",
      "the gst-onair developers");
}
