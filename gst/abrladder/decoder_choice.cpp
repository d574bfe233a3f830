// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decoder_choice.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace onair {
namespace {

// Frame threads would hold back a picture each; lost sound is concealed.
constexpr std::pair<const char*, Alternatives::Setting> kSettings[] = {
    {"avdec_h264", {"max-threads", "1"}},
    {"opusdec", {"plc", "true"}},
    {"opusdec", {"use-inband-fec", "true"}},
};

// Decoders take whole frames.
std::string parser_for(const GstStructure* structure) {
  if (gst_structure_has_name(structure, "video/x-h264"))
    return "h264parse ! ";
  if (gst_structure_has_name(structure, "video/x-h265"))
    return "h265parse ! ";
  return "";
}

GList* decoders() {
  return gst_element_factory_list_get_elements(GST_ELEMENT_FACTORY_TYPE_DECODER, GST_RANK_MARGINAL);
}

// Raw first: sources that can do anything make what encoders take. Whatever a decoder wants of the rest, a parser
// gives it.
GstPtr<GstCaps> all_caps() {
  auto caps = GstPtr<GstCaps>::adopt(gst_caps_from_string(
      "video/x-raw,format=(string){ I420, NV12 }; video/x-raw; video/x-raw(memory:CUDAMemory); "
      "audio/x-raw,format=(string)S16LE; audio/x-raw"));
  std::set<std::string> names;
  GList* all = decoders();
  for (GList* item = all; item; item = item->next) {
    const auto* templates =
        gst_element_factory_get_static_pad_templates(GST_ELEMENT_FACTORY(item->data));
    for (; templates; templates = templates->next) {
      auto* templ = static_cast<GstStaticPadTemplate*>(templates->data);
      if (templ->direction != GST_PAD_SINK)
        continue;
      const auto its = GstPtr<GstCaps>::adopt(gst_static_caps_get(&templ->static_caps));
      for (guint i = 0; i < gst_caps_get_size(its.get()); ++i)
        names.insert(gst_structure_get_name(gst_caps_get_structure(its.get(), i)));
    }
  }
  gst_plugin_feature_list_free(all);
  for (const auto& name : names)
    gst_caps_append_structure(caps.get(), gst_structure_new_empty(name.c_str()));
  return caps;
}

}  // namespace

std::string family_of(GstElementFactory* factory) {
  const auto* plugin = gst_plugin_feature_get_plugin_name(GST_PLUGIN_FEATURE(factory));
  const std::string_view name = plugin ? plugin : "";
  return name == "nvcodec" ? "nvidia" : std::string{name};
}

bool DecoderChoice::allow(const std::string& families) {
  const auto parsed = Families::parse(families);
  if (parsed)
    allowed_.set({families, *parsed});
  return parsed.has_value();
}

// Looked up once: a query comes with each renegotiation, and there are hundreds of decoders. One that is
// installed later is found all the same, as anything is let in.
GstPtr<GstCaps> DecoderChoice::takes() const {
  static const auto caps = all_caps();
  return caps;
}

std::string DecoderChoice::kind_of(const GstCaps* caps) const {
  const auto* structure = gst_caps_get_structure(caps, 0);
  return gst_structure_get_name(structure);
}

std::vector<Alternatives::Candidate> DecoderChoice::candidates(const GstCaps* caps) const {
  const auto* structure = gst_caps_get_structure(caps, 0);
  const std::string name = gst_structure_get_name(structure);
  if (name == "video/x-raw" || name == "audio/x-raw")
    return {{"raw", "identity silent=true", {}}};

  // Without what a parser adds, or changes.
  const auto plain = GstPtr<GstCaps>::adopt(gst_caps_new_empty_simple(name.c_str()));
  GList* all = decoders();
  GList* fitting = gst_element_factory_list_filter(
      all, parser_for(structure).empty() ? caps : plain.get(), GST_PAD_SINK, FALSE);
  const auto families = allowed_.get().families;
  struct Ranked {
    std::size_t place;  // in the order of families
    guint rank;         // of GStreamer
    Candidate candidate;
  };
  std::vector<Ranked> ranked;
  for (GList* item = fitting; item; item = item->next) {
    auto* factory = GST_ELEMENT_FACTORY(item->data);
    const auto place = families.rank(family_of(factory));
    if (!place)
      continue;
    const std::string decoder = GST_OBJECT_NAME(factory);
    Candidate candidate{.name = decoder,
                        .description = parser_for(structure) + decoder + " name=codec",
                        .settings = {}};
    for (const auto& [who, setting] : kSettings)
      if (decoder == who)
        candidate.settings.push_back(setting);
    // Some versions rank NVIDIA's below decoders on the CPU.
    const guint ahead = family_of(factory) == "nvidia" ? 2 * GST_RANK_PRIMARY : 0;
    ranked.push_back({*place, gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)) + ahead,
                      std::move(candidate)});
  }
  gst_plugin_feature_list_free(fitting);
  gst_plugin_feature_list_free(all);
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.place != b.place ? a.place < b.place : a.rank > b.rank;
  });
  std::vector<Candidate> candidates;
  for (auto& one : ranked)
    candidates.push_back(std::move(one.candidate));
  return candidates;
}

}  // namespace onair
