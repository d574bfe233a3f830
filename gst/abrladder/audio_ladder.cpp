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

GstPtr<GstElement> make(const char* factory, const std::string& name) {
  return GstPtr<GstElement>::sink(gst_element_factory_make(factory, name.c_str()));
}

GstPtr<GstElement> make_queue(const std::string& name) {
  auto queue = make("queue", name);
  g_object_set(queue.get(), "max-size-buffers", 0, "max-size-bytes", 0, "max-size-time", kWaiting,
               nullptr);
  return queue;
}

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

GstPtr<GstPad> link_to_tee(GstElement* tee, GstElement* to) {
  auto from = GstPtr<GstPad>::adopt(gst_element_request_pad_simple(tee, "src_%u"));
  const auto in = GstPtr<GstPad>::adopt(gst_element_get_static_pad(to, "sink"));
  if (gst_pad_link(from.get(), in.get()) != GST_PAD_LINK_OK)
    return {};
  return from;
}

}  // namespace

std::unique_ptr<AudioLadder> AudioLadder::create(GstBin* bin) {
  std::unique_ptr<AudioLadder> ladder{new AudioLadder{bin}};
  return ladder->build() ? std::move(ladder) : nullptr;
}

bool AudioLadder::build() {
  auto decoder = GstPtr<GstElement>::sink(
      make_fallback_bin("audio-decoder", std::make_unique<DecoderChoice>()));
  const auto convert = make("audioconvert", "audio-convert");
  const auto resample = make("audioresample", "audio-resample");
  const auto format = make("capsfilter", "audio-format");
  const auto tee = make("tee", "audio-tee");
  elements_ = {decoder, convert, resample, format, tee};
  if (std::any_of(elements_.begin(), elements_.end(), [](const auto& its) { return !its; })) {
    GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                      ("The elements audioconvert and audioresample are not installed "
                       "(gstreamer1.0-plugins-base)."),
                      (nullptr));
    elements_.clear();
    return false;
  }
  g_object_set(tee.get(), "allow-not-linked", TRUE, nullptr);
  const auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(AudioChoice::kRaw));
  g_object_set(format.get(), "caps", caps.get(), nullptr);
  for (const auto& element : elements_)
    gst_bin_add(bin_, element.get());
  for (std::size_t i = 1; i < elements_.size(); ++i)
    if (!gst_element_link(elements_[i - 1].get(), elements_[i].get()))
      return false;
  for (auto element = elements_.rbegin(); element != elements_.rend(); ++element)
    gst_element_sync_state_with_parent(element->get());
  return true;
}

AudioLadder::~AudioLadder() {
  for (const auto& element : elements_)
    take_away(bin_, element);
}

GstPtr<GstPad> AudioLadder::sink() const {
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(elements_.front().get(), "sink"));
}

std::shared_ptr<AudioLadder::Encoding> AudioLadder::make_encoding(const AudioRendition& rendition) {
  auto encoding = std::make_shared<Encoding>();
  encoding->rendition = rendition;
  const auto name = name_of(rendition);
  const auto queue = make_queue("audio-waiting-" + name);
  auto encoder = GstPtr<GstElement>::sink(make_fallback_bin(
      ("audio-encoder-" + name).c_str(), std::make_unique<AudioChoice>(rendition)));
  const auto tee = make("tee", "audio-encoded-" + name);
  g_object_set(tee.get(), "allow-not-linked", TRUE, nullptr);
  encoding->elements = {queue, encoder, tee};
  for (const auto& element : encoding->elements)
    gst_bin_add(bin_, element.get());
  if (!gst_element_link_many(queue.get(), encoder.get(), tee.get(), nullptr))
    return nullptr;
  for (auto element = encoding->elements.rbegin(); element != encoding->elements.rend(); ++element)
    gst_element_sync_state_with_parent(element->get());
  encoding->tee_pad = link_to_tee(elements_.back().get(), queue.get());
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
  const auto queue = make_queue("audio-written-" + std::to_string(index));
  gst_bin_add(bin_, queue.get());
  gst_element_sync_state_with_parent(queue.get());
  const auto tee_pad = link_to_tee(encoding->elements.back().get(), queue.get());
  if (!tee_pad)
    return {};
  const auto state = state_.lock();
  ++encoding->users;
  state->outlets.push_back({index, encoding, queue, tee_pad});
  return GstPtr<GstPad>::adopt(gst_element_get_static_pad(queue.get(), "src"));
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
  gst_element_release_request_pad(outlet.encoding->elements.back().get(), outlet.tee_pad.get());
  take_away(bin_, outlet.queue);
  if (!unused)
    return;
  gst_element_release_request_pad(elements_.back().get(), unused->tee_pad.get());
  for (const auto& element : unused->elements)
    take_away(bin_, element);
}

void AudioLadder::add_stats(GstStructure* stats) {
  const auto state = state_.lock();
  guint64 replacements = 0;
  for (const auto& encoding : state->encodings)
    replacements += fallback_of(encoding->elements[1].get()).replacements();
  gst_structure_set(stats, "audio-decoder", G_TYPE_STRING,
                    fallback_of(elements_.front().get()).name().c_str(), "audio-encoders",
                    G_TYPE_UINT, static_cast<guint>(state->encodings.size()), "audio-replacements",
                    G_TYPE_UINT64, replacements, nullptr);
}

}  // namespace onair
