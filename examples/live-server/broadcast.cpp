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
  const std::string encoder =
      uses_aac(settings)
          ? " ! audioconvert ! avenc_aac bitrate=" + std::to_string(1000 * settings.audio_kbps) +
                " ! aacparse"
          : " ! lamemp3enc target=bitrate cbr=true bitrate=" + std::to_string(settings.audio_kbps) +
                " ! audio/mpeg,rate=48000 ! mpegaudioparse";
  return encoder +
         " ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=2000 name=audio_end ";
}

// The sound never breaks: lost packets are concealed (in-band FEC, then PLC), what is still missing
// becomes silence.
std::string audio_branch(const Settings& settings, Broadcast::Stream stream) {
  const std::string caps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2";
  return "rtpopusdepay name=audio_in ! align.audio_0  align.audio_src_0"
         " ! opusdec plc=true use-inband-fec=true"
         " ! audioconvert ! audioresample ! " +
         caps + flywheel(stream, caps) +
         (settings.renditions.empty() ? audio_encoder(settings) : " ! ladder.audio_0 ");
}

// With the size, where it does not depend on the first picture. To one that comes later 16:9 is the
// likeliest, and others get borders.
std::string picture_caps(const Settings& settings, Broadcast::Stream stream) {
  const std::string caps = "video/x-raw,format=I420,pixel-aspect-ratio=1/1";
  const auto with_size = [&](unsigned width, unsigned height) {
    return caps + ",width=" + std::to_string(width) + ",height=" + std::to_string(height);
  };
  if (const auto largest = largest_video(settings.renditions))
    return with_size(largest->width, largest->height);
  if (settings.width != 0)
    return with_size(settings.width, settings.height);
  return stream == Broadcast::Stream::Later ? with_size(1280, 720) : caps;
}

// abrladder takes any size, and such as change; here it is the first one's that stays.
std::string video_decoder(const Settings& settings, const std::string& caps) {
  if (!settings.renditions.empty())
    return "fallbackdecoder";
  return "avdec_h264 max-threads=1 ! videoconvert ! videoscale name=scale add-borders=true"
         " ! capsfilter name=size caps=\"" +
         caps + "\"";
}

// Key frames only when hlsbalancer asks (one per segment): key-int-max is far away, and scenes may change.
// Where one does, x264 makes an I picture that is no IDR, h264parse takes it for a key frame, and where the
// IDR that was asked for is late a segment would begin that nothing decodes.
std::string video_encoder(const Settings& settings) {
  return " ! queue max-size-buffers=5 max-size-time=0 max-size-bytes=0"
         " ! x264enc tune=zerolatency speed-preset=superfast key-int-max=100000"
         " option-string=scenecut=0 bitrate=" +
         std::to_string(settings.video_kbps) + " vbv-buf-capacity=1000" +
         " ! video/x-h264,profile=main ! h264parse"
         " ! video/x-h264,stream-format=byte-stream,alignment=au"
         " ! queue max-size-time=0 max-size-bytes=0"
         " max-size-buffers=600 name=video_end ";
}

// Each picture keeps its own time, as the lips move: a constant rate would move it by up to half a frame.
std::string video_branch(const Settings& settings, Broadcast::Stream stream) {
  const auto caps = picture_caps(settings, stream);
  return "rtph264depay name=video_in request-keyframe=true wait-for-keyframe=true"
         " ! h264parse ! align.video_0  align.video_src_0 ! " +
         video_decoder(settings, caps) + flywheel(stream, caps) +
         " fill-framerate=" + std::to_string(settings.fps) + "/1" +
         (settings.renditions.empty() ? video_encoder(settings) : " ! ladder.video_0 ");
}

// What no rendition has. webrtcbin's session would end with a pad that is not linked.
std::string unused_branch(bool is_audio) {
  return std::string{is_audio ? "rtpopusdepay name=audio_in" : "rtph264depay name=video_in"} +
         " ! fakesink sync=false async=false ";
}

bool is_used(const Settings& settings, bool is_audio) {
  const auto& renditions = settings.renditions;
  return renditions.empty() ||
         (is_audio ? has_audio(renditions) : largest_video(renditions).has_value());
}

std::string chain(const Settings& settings, Broadcast::Stream audio, Broadcast::Stream video) {
  std::string text = "avaligner name=align audio-delay=" + audio_delay(settings) + " ";
  if (!settings.renditions.empty())
    text += "abrladder name=ladder renditions=\"" +
            ladder_text(settings.renditions, uses_aac(settings)) + "\" ";
  if (audio != Broadcast::Stream::None)
    text += is_used(settings, true) ? audio_branch(settings, audio) : unused_branch(true);
  if (video != Broadcast::Stream::None)
    text += is_used(settings, false) ? video_branch(settings, video) : unused_branch(false);
  return text;
}

// What the chain gives: of each rendition as much as the publisher sends.
std::vector<Output::Stream> streams_of(const Renditions& renditions, bool has_audio,
                                       bool has_video) {
  std::vector<Output::Stream> streams;
  const auto add = [&](bool is_audio, std::size_t rendition, unsigned bps) {
    if (is_audio ? has_audio : has_video)
      streams.push_back({.is_audio = is_audio, .rendition = rendition, .bps = bps});
  };
  if (renditions.empty()) {
    add(true, 0, 0);
    add(false, 0, 0);
  }
  for (std::size_t i = 0; i < renditions.size(); ++i) {
    const auto& [video, audio] = renditions[i];
    if (audio)
      add(true, i, audio->bps);
    if (video)
      add(false, i, video->bps);
  }
  return streams;
}

GstPtr<GstElement> child_of(GstElement* bin, const std::string& name) {
  return GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), name.c_str()));
}

// videoscale lets any size through until its first caps arrive; then the size stays.
void fix_size(GstElement* bin) {
  const auto filter = child_of(bin, "size");
  const auto scale = child_of(bin, "scale");
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

// Where a stream leaves the chain.
GstPtr<GstPad> end_of(GstElement* bin, const Output::Stream& stream) {
  const std::string kind = stream.is_audio ? "audio" : "video";
  if (const auto ladder = child_of(bin, "ladder")) {
    const auto name = kind + "_src_" + std::to_string(stream.rendition);
    return GstPtr<GstPad>::adopt(gst_element_request_pad_simple(ladder.get(), name.c_str()));
  }
  const auto end = child_of(bin, kind + "_end");
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(end.get(), "src"));
}

GstPtr<GstPad> ghost_of(GstElement* bin, const std::string& name, const GstPtr<GstPad>& target) {
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
  const auto streams =
      streams_of(settings.renditions, audio != Stream::None, video != Stream::None);
  if (streams.empty())
    return "Nothing that is sent is in one of the renditions.";
  GError* raw = nullptr;
  auto bin = GstPtr<GstElement>::sink(
      gst_parse_bin_from_description(chain(settings, audio, video).c_str(), FALSE, &raw));
  if (raw) {
    const onair::ErrorPtr error{raw};
    return std::string{"The chain can't be built: "} + error->message + ".";
  }
  if (!output.begin(streams))
    return "The playlist can't be written; the log says why.";
  if (video == Stream::Here && settings.width == 0 && settings.renditions.empty())
    fix_size(bin.get());
  std::unique_ptr<Broadcast> broadcast{new Broadcast{pipeline, settings.renditions.size()}};
  gst_bin_add(pipeline, bin.get());
  broadcast->bin_ = std::move(bin);
  GstElement* its = broadcast->bin_.get();
  for (const std::string kind : {"audio", "video"})
    if (const auto first = child_of(its, kind + "_in"))
      ghost_of(its, kind, GstPtr<GstPad>::adopt(gst_element_get_static_pad(first.get(), "sink")));
  for (const auto& stream : streams) {
    const auto end = end_of(its, stream);
    if (!end)
      return "The rendition " + std::to_string(stream.rendition) +
             " can't be made; the log says why.";
    const auto out = ghost_of(its, stream.name(), end);
    gst_pad_add_probe(out.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, keep_end, its, nullptr);
    const auto in = output.pad(stream);
    if (!in || gst_pad_link(out.get(), in.get()) != GST_PAD_LINK_OK)
      return "The chain does not fit the playlist.";
    ++broadcast->streams_;
  }
  if (!gst_element_sync_state_with_parent(its))
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

std::vector<std::optional<Broadcast::Encoding>> Broadcast::encodings() const {
  std::vector<std::optional<Encoding>> encodings(renditions_);
  const auto ladder = child_of(bin_.get(), "ladder");
  if (!ladder)
    return encodings;
  GstStructure* raw = nullptr;
  g_object_get(ladder.get(), "stats", &raw, nullptr);
  const onair::StructurePtr stats{raw};
  for (std::size_t i = 0; i < renditions_; ++i) {
    const auto* value = gst_structure_get_value(raw, ("rendition-" + std::to_string(i)).c_str());
    if (!value)
      continue;
    const auto* figures = gst_value_get_structure(value);
    const char* encoder = gst_structure_get_string(figures, "encoder");
    gint num = 0;
    gint den = 1;
    Encoding encoding{.encoder = encoder ? encoder : ""};
    gst_structure_get(figures, "fps", GST_TYPE_FRACTION, &num, &den, "dropped", G_TYPE_UINT64,
                      &encoding.dropped, nullptr);
    encoding.fps = static_cast<double>(num) / den;
    encodings[i] = std::move(encoding);
  }
  return encodings;
}

bool Broadcast::owns(GstObject* object) const {
  return object && (object == GST_OBJECT(bin_.get()) ||
                    gst_object_has_as_ancestor(object, GST_OBJECT(bin_.get())));
}

}  // namespace live
