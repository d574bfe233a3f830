// SPDX-License-Identifier: LGPL-2.1-or-later
#include "broadcast.hpp"

#include <cstdint>
#include <utility>

namespace live {
namespace {

using onair::GstPtr;

// How late the sound is behind perfect timestamps, in samples at 48 kHz: Opus looks ahead (RFC 7845 calls it
// pre-skip; RTP has no field for it), LAME's filter bank takes 576 and that of an MP3 decoder 529 (FFmpeg's;
// Chromium takes its own off), and avenc_aac begins with a frame of nothing.
constexpr std::int64_t kOpusDelay = 312;
constexpr std::int64_t kMp3Delay = 576 + 529;
constexpr std::int64_t kAacDelay = 1024;

// In nanoseconds.
std::string audio_delay(const Settings& settings) {
  const auto samples = kOpusDelay + (uses_aac(settings) ? kAacDelay : kMp3Delay);
  return std::to_string(samples * 1'000'000'000 / 48'000);
}

// A hole in the network may be waited for (jitter buffer: 0.6 s) and a break of the sender's clock be
// looked at (aligner: 1 s) before what comes is missed.
std::string flywheel(Broadcast::Stream stream, const std::string& caps) {
  return std::string{" ! flywheel max-wait=2000000000"} +
         (stream == Broadcast::Stream::Later ? " caps=\"" + caps + "\"" : "");
}

// LAME is held to 48 kHz, where each frame is 24 ms.
std::string audio_encoder(const Settings& settings) {
  if (uses_aac(settings))
    return " ! audioconvert ! avenc_aac bitrate=" + std::to_string(1000 * settings.audio_kbps) +
           " ! aacparse";
  return " ! lamemp3enc target=bitrate cbr=true bitrate=" + std::to_string(settings.audio_kbps) +
         " ! audio/mpeg,rate=48000 ! mpegaudioparse";
}

// The sound never breaks: lost packets are concealed (in-band FEC, then PLC), what is still missing
// becomes silence.
std::string audio_branch(const Settings& settings, Broadcast::Stream stream) {
  const std::string caps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2";
  return "rtpopusdepay name=audio_in ! align.audio_0  align.audio_src_0"
         " ! opusdec plc=true use-inband-fec=true"
         " ! audioconvert ! audioresample ! " +
         caps + flywheel(stream, caps) + audio_encoder(settings) +
         " ! queue max-size-time=0 max-size-bytes=0"
         " max-size-buffers=2000 name=audio_end ";
}

// With the size, where it does not depend on the first picture. To one that comes later 16:9 is the
// likeliest, and others get borders.
std::string picture_caps(const Settings& settings, Broadcast::Stream stream) {
  const std::string caps = "video/x-raw,format=I420,pixel-aspect-ratio=1/1";
  if (settings.width != 0)
    return caps + ",width=" + std::to_string(settings.width) +
           ",height=" + std::to_string(settings.height);
  return stream == Broadcast::Stream::Later ? caps + ",width=1280,height=720" : caps;
}

// Each picture keeps its own time, as the lips move: a constant rate would move it by up to half a frame.
// Key frames only when hlsbalancer asks (one per segment): key-int-max is far away, and scenes may change.
// Where one does, x264 makes an I picture that is no IDR, h264parse takes it for a key frame, and where the
// IDR that was asked for is late a segment would begin that nothing decodes.
std::string video_branch(const Settings& settings, Broadcast::Stream stream) {
  const auto caps = picture_caps(settings, stream);
  const auto fps = std::to_string(settings.fps);
  return "rtph264depay name=video_in request-keyframe=true wait-for-keyframe=true"
         " ! h264parse ! align.video_0  align.video_src_0 ! avdec_h264 max-threads=1"
         " ! videoconvert ! videoscale name=scale add-borders=true"
         " ! capsfilter name=size caps=\"" +
         caps + "\"" + flywheel(stream, caps) + " fill-framerate=" + fps +
         "/1"
         " ! queue max-size-buffers=5 max-size-time=0 max-size-bytes=0"
         " ! x264enc tune=zerolatency speed-preset=superfast key-int-max=100000"
         " option-string=scenecut=0 bitrate=" +
         std::to_string(settings.video_kbps) + " vbv-buf-capacity=1000" +
         " ! video/x-h264,profile=main ! h264parse"
         " ! video/x-h264,stream-format=byte-stream,alignment=au"
         " ! queue max-size-time=0 max-size-bytes=0"
         " max-size-buffers=600 name=video_end ";
}

// videoscale lets any size through until its first caps arrive; then the size stays.
void fix_size(GstElement* bin) {
  const auto filter = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), "size"));
  const auto scale = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), "scale"));
  const auto on_caps = [](GstPad*, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
    GstEvent* event = gst_pad_probe_info_get_event(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
      return GST_PAD_PROBE_OK;
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    const GstStructure* structure = gst_caps_get_structure(caps, 0);
    int width = 0;
    int height = 0;
    gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height,
                      nullptr);
    constexpr int kEven = ~1;  // 4:2:0 wants even sizes
    const auto fixed = GstPtr<GstCaps>::adopt(
        gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT,
                            width & kEven, "height", G_TYPE_INT, height & kEven,
                            "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, nullptr));
    g_object_set(data, "caps", fixed.get(), nullptr);
    return GST_PAD_PROBE_REMOVE;
  };
  const auto pad = GstPtr<GstPad>::adopt(gst_element_get_static_pad(scale.get(), "sink"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_caps,
                    gst_object_ref(filter.get()), gst_object_unref);
}

GstPtr<GstPad> ghost_of(GstElement* bin, const std::string& name, const std::string& element,
                        const char* pad) {
  const auto inner = GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), element.c_str()));
  const auto target = GstPtr<GstPad>::adopt(gst_element_get_static_pad(inner.get(), pad));
  GstPad* ghost = gst_ghost_pad_new(name.c_str(), target.get());
  gst_element_add_pad(bin, ghost);
  return GstPtr<GstPad>::share(ghost);
}

// Whether the playlist ends is not for a broadcast to say: who went away may come back.
GstPadProbeReturn keep_end(GstPad*, GstPadProbeInfo* info, gpointer bin) {
  if (GST_EVENT_TYPE(gst_pad_probe_info_get_event(info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  gst_element_post_message(GST_ELEMENT(bin),
                           gst_message_new_application(
                               GST_OBJECT(bin), gst_structure_new_empty(Broadcast::kEndMessage)));
  return GST_PAD_PROBE_DROP;
}

}  // namespace

std::variant<std::unique_ptr<Broadcast>, std::string> Broadcast::create(
    GstBin* pipeline, const Settings& settings, Output& output, Stream audio, Stream video) {
  const std::string text = "avaligner name=align audio-delay=" + audio_delay(settings) + " " +
                           (audio != Stream::None ? audio_branch(settings, audio) : "") +
                           (video != Stream::None ? video_branch(settings, video) : "");
  GError* raw = nullptr;
  auto bin = GstPtr<GstElement>::sink(gst_parse_bin_from_description(text.c_str(), FALSE, &raw));
  if (raw) {
    const onair::ErrorPtr error{raw};
    return std::string{"The chain can't be built: "} + error->message + ".";
  }
  if (!output.begin(audio != Stream::None, video != Stream::None))
    return "The playlist can't be written; the log says why.";
  if (video == Stream::Here && settings.width == 0)
    fix_size(bin.get());
  std::unique_ptr<Broadcast> broadcast{new Broadcast{pipeline}};
  gst_bin_add(pipeline, bin.get());
  broadcast->bin_ = std::move(bin);
  GstElement* chain = broadcast->bin_.get();
  for (const auto& [name, stream] : {std::pair{"audio", audio}, std::pair{"video", video}}) {
    if (stream == Stream::None)
      continue;
    const std::string kind{name};
    ghost_of(chain, kind, kind + "_in", "sink");
    const auto out = ghost_of(chain, kind + "_out", kind + "_end", "src");
    gst_pad_add_probe(out.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, keep_end, chain, nullptr);
    const auto in = output.pad(kind == "audio");
    if (!in || gst_pad_link(out.get(), in.get()) != GST_PAD_LINK_OK)
      return "The chain does not fit the playlist.";
    ++broadcast->streams_;
  }
  if (!gst_element_sync_state_with_parent(chain))
    return "The chain does not start; the log says why.";
  return broadcast;
}

Broadcast::~Broadcast() {
  if (!bin_)
    return;
  gst_element_set_locked_state(bin_.get(), TRUE);
  gst_element_set_state(bin_.get(), GST_STATE_NULL);
  gst_bin_remove(pipeline_, bin_.get());
}

bool Broadcast::link(GstPad* source, bool is_audio) {
  const auto in =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(bin_.get(), is_audio ? "audio" : "video"));
  return in && gst_pad_link(source, in.get()) == GST_PAD_LINK_OK;
}

void Broadcast::end_unlinked() {
  for (const char* name : {"audio", "video"}) {
    const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bin_.get(), name));
    if (in && !gst_pad_is_linked(in.get()))
      gst_pad_send_event(in.get(), gst_event_new_eos());
  }
}

bool Broadcast::owns(GstObject* object) const {
  return object && (object == GST_OBJECT(bin_.get()) ||
                    gst_object_has_as_ancestor(object, GST_OBJECT(bin_.get())));
}

}  // namespace live
