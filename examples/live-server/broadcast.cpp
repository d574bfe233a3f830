// SPDX-License-Identifier: LGPL-2.1-or-later
#include "broadcast.hpp"

#include <utility>

#include "bins.hpp"

namespace live {
namespace {

using onair::GstPtr;

// A hole in the network may be waited for (jitter buffer: 0.6 s) and a break of the sender's clock be
// looked at (aligner: 1 s) before what comes is missed.
std::string flywheel(Broadcast::Stream stream, const std::string& caps) {
  return std::string{" flywheel max-wait=2000000000"} +
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

// The sound never breaks: what is missing becomes silence.
std::string audio_branch(const Settings& settings, Broadcast::Stream stream) {
  const std::string caps = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2";
  return "audioconvert name=audio_in ! audioresample ! " + caps + " !" + flywheel(stream, caps) +
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
std::string scaler(const std::string& caps) {
  return "videoconvert name=video_in ! videoscale name=scale add-borders=true"
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

constexpr const char* kNoSlate = " slate-after=9223372036854775807";

// Each picture keeps its own time, as the lips move: a constant rate would move it by up to half a frame.
std::string video_branch(const Settings& settings, Broadcast::Stream stream) {
  const auto caps = picture_caps(settings, stream);
  const auto wheel = flywheel(stream, caps) + " fill-framerate=" + std::to_string(settings.fps) +
                     "/1" + (settings.hold_picture == "last" ? kNoSlate : "") + " name=";
  return settings.renditions.empty()
             ? scaler(caps) + " !" + wheel + "video_wheel" + video_encoder(settings)
             : wheel + "video_in ! ladder.video_0 ";
}

bool is_used(const Settings& settings, bool is_audio) {
  const auto& renditions = settings.renditions;
  return renditions.empty() ||
         (is_audio ? has_audio(renditions) : largest_video(renditions).has_value());
}

std::string chain(const Settings& settings, Broadcast::Stream audio, Broadcast::Stream video) {
  std::string text;
  if (!settings.renditions.empty())
    text += "abrladder name=ladder renditions=\"" +
            ladder_text(settings.renditions, uses_aac(settings)) + "\" ";
  if (audio != Broadcast::Stream::None && is_used(settings, true))
    text += audio_branch(settings, audio);
  if (video != Broadcast::Stream::None && is_used(settings, false))
    text += video_branch(settings, video);
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

// What viewers see, before it is encoded.
GstPtr<GstPad> filled_pictures(GstElement* bin) {
  auto wheel = child_of(bin, "video_wheel");
  if (!wheel)
    wheel = child_of(bin, "video_in");
  return wheel ? GstPtr<GstPad>::adopt(gst_element_get_static_pad(wheel.get(), "src"))
               : GstPtr<GstPad>{};
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
  std::unique_ptr<Broadcast> broadcast{new Broadcast{pipeline, settings}};
  gst_bin_add(pipeline, bin.get());
  broadcast->bin_ = std::move(bin);
  GstElement* its = broadcast->bin_.get();
  for (const std::string kind : {"audio", "video"})
    if (const auto first = child_of(its, kind + "_in"))
      ghost_of(its, kind, GstPtr<GstPad>::adopt(gst_element_get_static_pad(first.get(), "sink")));
  std::vector<GstPtr<GstPad>> pictures;
  for (const auto& stream : streams) {
    const auto end = end_of(its, stream);
    if (!end)
      return "The rendition " + std::to_string(stream.rendition) +
             " can't be made; the log says why.";
    const auto out = ghost_of(its, stream.name(), end);
    // Whether the playlist ends is not for a broadcast to say.
    stop_eos(out.get(), its, kEndMessage);
    const auto in = output.pad(stream);
    if (!in || gst_pad_link(out.get(), in.get()) != GST_PAD_LINK_OK)
      return "The chain does not fit the playlist.";
    auto& age = broadcast->ages_[stream.is_audio ? 1 : 0];
    age = age ? std::move(age) : std::make_unique<AgeMeter>(its, out);
    ++broadcast->streams_;
    if (!stream.is_audio)
      pictures.push_back(out);
  }
  const auto filled = filled_pictures(its);
  if (filled)
    broadcast->gate_ = std::make_unique<StartGate>(filled, pictures);
  if (!gst_element_sync_state_with_parent(its))
    return "The chain does not start; the log says why.";
  // Of what is encrypted nobody gets a picture without a key.
  if (filled && !settings.dir.empty() && !settings.keys)
    broadcast->snapshots_ = std::make_unique<Snapshots>(filled, settings.dir);
  return broadcast;
}

Broadcast::~Broadcast() {
  gate_.reset();
  snapshots_.reset();
  ages_ = {};
  if (bin_)
    take_out(pipeline_, bin_.get());
}

GstPtr<GstPad> Broadcast::pad(bool is_audio) const {
  return GstPtr<GstPad>::adopt(
      gst_element_get_static_pad(bin_.get(), is_audio ? "audio" : "video"));
}

bool Broadcast::has_room_for(bool audio, bool video) const {
  return (!audio || pad(true) || !is_used(*settings_, true)) &&
         (!video || pad(false) || !is_used(*settings_, false));
}

// On threads of their own, as an intake may be pushing.
void Broadcast::hold() {
  const auto send = [](GstElement*, gpointer in) {
    gst_pad_send_event(GST_PAD(in), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                         gst_structure_new_empty("onair-away")));
  };
  for (const bool is_audio : {true, false}) {
    if (auto in = pad(is_audio))
      gst_element_call_async(bin_.get(), send, in.release(), gst_object_unref);
  }
}

void Broadcast::end() {
  for (const bool is_audio : {true, false}) {
    if (const auto in = pad(is_audio))
      gst_pad_send_event(in.get(), gst_event_new_eos());
  }
}

std::optional<GstClockTimeDiff> Broadcast::age(bool is_audio) {
  const auto& meter = ages_[is_audio ? 1 : 0];
  return meter ? meter->mean() : std::nullopt;
}

std::vector<std::optional<Broadcast::Encoding>> Broadcast::encodings() const {
  std::vector<std::optional<Encoding>> encodings(settings_->renditions.size());
  const auto ladder = child_of(bin_.get(), "ladder");
  if (!ladder)
    return encodings;
  GstStructure* raw = nullptr;
  g_object_get(ladder.get(), "stats", &raw, nullptr);
  const onair::StructurePtr stats{raw};
  for (std::size_t i = 0; i < encodings.size(); ++i) {
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

}  // namespace live
