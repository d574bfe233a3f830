// SPDX-License-Identifier: LGPL-2.1-or-later
#include "intake.hpp"

#include <cstdint>
#include <utility>

#include "bins.hpp"

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

// Lost packets are concealed: in-band FEC, then PLC.
constexpr const char* kAudioBranch =
    "rtpopusdepay name=audio_in ! align.audio_0  align.audio_src_0"
    " ! opusdec name=audio_out plc=true use-inband-fec=true ";

std::string video_branch(const Settings& settings) {
  const std::string decoder =
      settings.renditions.empty() ? "avdec_h264 max-threads=1" : "fallbackdecoder";
  return "rtph264depay name=video_in request-keyframe=true wait-for-keyframe=true"
         " ! h264parse ! align.video_0  align.video_src_0 ! " +
         decoder + " name=video_out ";
}

// What no rendition has. webrtcbin's session would end with a pad that is not linked.
std::string unused_branch(bool is_audio) {
  return std::string{is_audio ? "rtpopusdepay name=audio_in" : "rtph264depay name=video_in"} +
         " ! fakesink sync=false async=false ";
}

}  // namespace

std::variant<std::unique_ptr<Intake>, std::string> Intake::create(GstBin* pipeline,
                                                                  const Settings& settings,
                                                                  Broadcast& broadcast,
                                                                  bool has_audio, bool has_video,
                                                                  gint64 lead) {
  std::string text = "avaligner name=align audio-delay=" + audio_delay(settings) +
                     " lead=" + std::to_string(lead) + " ";
  if (has_audio)
    text += broadcast.pad(true) ? kAudioBranch : unused_branch(true);
  if (has_video)
    text += broadcast.pad(false) ? video_branch(settings) : unused_branch(false);
  GError* raw = nullptr;
  auto bin = GstPtr<GstElement>::sink(gst_parse_bin_from_description(text.c_str(), FALSE, &raw));
  if (raw) {
    const onair::ErrorPtr error{raw};
    return std::string{"The chain can't be built: "} + error->message + ".";
  }
  std::unique_ptr<Intake> intake{new Intake{pipeline}};
  gst_bin_add(pipeline, bin.get());
  intake->bin_ = std::move(bin);
  GstElement* its = intake->bin_.get();
  for (const bool is_audio : {true, false}) {
    const std::string kind = is_audio ? "audio" : "video";
    if (const auto first = child_of(its, kind + "_in"))
      ghost_of(its, kind, GstPtr<GstPad>::adopt(gst_element_get_static_pad(first.get(), "sink")));
    const auto last = child_of(its, kind + "_out");
    if (!last)
      continue;
    const auto out = ghost_of(its, kind + "_src",
                              GstPtr<GstPad>::adopt(gst_element_get_static_pad(last.get(), "src")));
    stop_eos(out.get(), its, kEndMessage);
    if (gst_pad_link(out.get(), broadcast.pad(is_audio).get()) != GST_PAD_LINK_OK)
      return "What the publisher sends does not fit the broadcast.";
    intake->ages_[is_audio ? 1 : 0] = std::make_unique<AgeMeter>(its, out);
    ++intake->streams_;
  }
  if (intake->streams_ == 0)
    return "Nothing that is sent is in one of the renditions.";
  if (!gst_element_sync_state_with_parent(its))
    return "The chain does not start; the log says why.";
  return intake;
}

Intake::~Intake() {
  ages_ = {};
  if (bin_)
    take_out(pipeline_, bin_.get());
}

Intake::TimeLine Intake::time_line() const {
  GstStructure* raw = nullptr;
  g_object_get(child_of(bin_.get(), "align").get(), "stats", &raw, nullptr);
  const onair::StructurePtr stats{raw};
  TimeLine line;
  gst_structure_get_int64(stats.get(), "lead", &line.lead_ns);
  const auto* picture = gst_structure_get_value(stats.get(), "video_0");
  if (!picture || !gst_structure_has_field(stats.get(), "audio_0"))
    return line;
  const auto* figures = gst_value_get_structure(picture);
  gboolean is_placed = FALSE;
  gst_structure_get_boolean(figures, "placed", &is_placed);
  const char* source = gst_structure_get_string(figures, "source");
  if (!is_placed || !source)
    return line;
  auto& alignment = line.alignment.emplace(Alignment{.source = source});
  gst_structure_get_int64(figures, "learned-lag", &alignment.lag_ns);
  gst_structure_get_uint64(figures, "confidence", &alignment.confidence_ns);
  return line;
}

std::optional<GstClockTimeDiff> Intake::age(bool is_audio) {
  const auto& meter = ages_[is_audio ? 1 : 0];
  return meter ? meter->mean() : std::nullopt;
}

bool Intake::link(GstPad* source, bool is_audio) {
  const auto in =
      GstPtr<GstPad>::adopt(gst_element_get_static_pad(bin_.get(), is_audio ? "audio" : "video"));
  return in && gst_pad_link(source, in.get()) == GST_PAD_LINK_OK;
}

void Intake::end_unlinked() {
  for (const char* name : {"audio", "video"}) {
    const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(bin_.get(), name));
    if (in && !gst_pad_is_linked(in.get()))
      gst_pad_send_event(in.get(), gst_event_new_eos());
  }
}

}  // namespace live
