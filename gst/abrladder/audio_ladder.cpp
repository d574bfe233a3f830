// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audio_ladder.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "audio_choice.hpp"
#include "decoder_choice.hpp"
#include "gstfallbackbin.h"

namespace onair {
namespace {

// What waits while whoever writes it waits for the picture.
constexpr guint64 kWaiting = 10 * GST_SECOND;

std::string name_of(const AudioRendition& rendition) {
  return std::string{rendition.codec == AudioCodec::Mp3 ? "mp3" : "aac"} + "-" +
         std::to_string(rendition.bps);
}

// What comes out is the same, and so needs to be made once.
AudioRendition normal(AudioRendition rendition) {
  if (rendition.codec == AudioCodec::Mp3)
    rendition.bps = floor_to_mp3(rendition.bps);
  return rendition;
}

GstPtr<GstPad> link_to_tee(GstElement* tee, const ElementChain& to) {
  auto from = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(tee, "src_%u"));
  return gst_pad_link(from.get(), to.sink().get()) == GST_PAD_LINK_OK ? from : GstPtr<GstPad>{};
}

}  // namespace

std::unique_ptr<AudioLadder> AudioLadder::create(GstBin* bin) {
  std::unique_ptr<AudioLadder> ladder{new AudioLadder{bin}};
  return ladder->build() ? std::move(ladder) : nullptr;
}

bool AudioLadder::build() {
  constexpr const char* kPackage = "gstreamer1.0-plugins-base";
  decoding_ = {bin_,
               {GstPtr<GstElement>::sink(
                    make_fallback_bin("audio-decoder", std::make_unique<DecoderChoice>())),
                make_element(bin_, "audioconvert", "audio-convert", kPackage),
                make_element(bin_, "audioresample", "audio-resample", kPackage),
                make_format("audio-format", AudioChoice::kRaw), make_tee("audio-tee")}};
  if (decoding_.is_empty())
    return false;
  decoding_.start();
  return true;
}

AudioLadder::~AudioLadder() {
  decoding_.take_away();
}

GstPtr<GstPad> AudioLadder::sink() const {
  return decoding_.sink();
}

std::shared_ptr<AudioLadder::Encoding> AudioLadder::make_encoding(const AudioRendition& rendition) {
  auto encoding = std::make_shared<Encoding>();
  encoding->rendition = rendition;
  const auto name = name_of(rendition);
  encoding->elements = {
      bin_,
      {make_queue("audio-waiting-" + name, kWaiting),
       GstPtr<GstElement>::sink(make_fallback_bin(("audio-encoder-" + name).c_str(),
                                                  std::make_unique<AudioChoice>(rendition))),
       make_tee("audio-encoded-" + name)}};
  if (encoding->elements.is_empty())
    return nullptr;
  encoding->elements.start();
  encoding->tee_pad = link_to_tee(decoding_.back(), encoding->elements);
  return encoding;
}

GstPtr<GstPad> AudioLadder::add(std::size_t index, const Rendition& rendition) {
  const auto wanted = normal(*rendition.audio);
  std::shared_ptr<Encoding> encoding;
  for (const auto& known : state_.get().encodings)
    if (known->rendition == wanted)
      encoding = known;
  if (!encoding) {
    encoding = make_encoding(wanted);
    if (!encoding)
      return {};
    state_.lock()->encodings.push_back(encoding);
  }
  const ElementChain queue{bin_, {make_queue("audio-written-" + std::to_string(index), kWaiting)}};
  queue.start();
  const auto tee_pad = link_to_tee(encoding->elements.back(), queue);
  if (!tee_pad)
    return {};
  const auto state = state_.lock();
  ++encoding->users;
  state->outlets.push_back({index, encoding, queue, tee_pad});
  return queue.src();
}

void AudioLadder::remove(std::size_t index) {
  std::shared_ptr<Encoding> unused;
  Outlet outlet;
  {
    const auto state = state_.lock();
    const auto found = std::find_if(state->outlets.begin(), state->outlets.end(),
                                    [index](const auto& its) { return its.index == index; });
    if (found == state->outlets.end())
      return;
    outlet = *found;
    state->outlets.erase(found);
    if (--outlet.encoding->users == 0) {
      unused = outlet.encoding;
      std::erase(state->encodings, unused);
    }
  }
  gst_element_release_request_pad(outlet.encoding->elements.back(), outlet.tee_pad.get());
  outlet.queue.take_away();
  if (!unused)
    return;
  gst_element_release_request_pad(decoding_.back(), unused->tee_pad.get());
  unused->elements.take_away();
}

void AudioLadder::add_stats(GstStructure* stats) {
  const auto state = state_.lock();
  guint64 replacements = 0;
  for (const auto& encoding : state->encodings)
    replacements += fallback_of(encoding->elements[1]).replacements();
  gst_structure_set(stats, "audio-decoder", G_TYPE_STRING,
                    fallback_of(decoding_.front()).name().c_str(), "audio-encoders", G_TYPE_UINT,
                    static_cast<guint>(state->encodings.size()), "audio-replacements",
                    G_TYPE_UINT64, replacements, nullptr);
}

}  // namespace onair
