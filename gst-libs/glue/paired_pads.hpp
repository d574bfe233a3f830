// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <set>
#include <string>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"

// Elements with several streams: request sink pads audio_%u and video_%u, each with a source pad
// audio_src_%u or video_src_%u.
namespace onair {

// One stream: what comes in at a sink pad goes out at a source pad. Pads hold it weakly: other
// threads may be in their functions even when they have been released.
class PadPair {
 public:
  PadPair(GstPtr<GstPad> sink, GstPtr<GstPad> src) : sink_{std::move(sink)}, src_{std::move(src)} {}

  [[nodiscard]] GstPad* sink() const { return sink_.get(); }
  [[nodiscard]] GstPad* src() const { return src_.get(); }

 private:
  const GstPtr<GstPad> sink_;
  const GstPtr<GstPad> src_;
};

// Makes both pads find their stream, and each other.
inline void attach(const std::shared_ptr<PadPair>& pair) {
  for (GstPad* pad : {pair->sink(), pair->src()}) {
    auto* link = new std::weak_ptr<PadPair>{pair};
    gst_pad_set_element_private(pad, link);
    g_object_set_data_full(G_OBJECT(pad), "onair-pair", link, [](gpointer data) {
      delete static_cast<std::weak_ptr<PadPair>*>(data);
    });
    gst_pad_set_iterate_internal_links_function(
        pad, +[](GstPad* from, GstObject*) -> GstIterator* {
          const auto its =
              static_cast<std::weak_ptr<PadPair>*>(gst_pad_get_element_private(from))->lock();
          if (!its)
            return nullptr;
          GValue value = G_VALUE_INIT;
          g_value_init(&value, GST_TYPE_PAD);
          g_value_set_object(&value, GST_PAD_IS_SINK(from) ? its->src() : its->sink());
          auto* links = gst_iterator_new_single(GST_TYPE_PAD, &value);
          g_value_unset(&value);
          return links;
        });
  }
}

// Nothing once the pad has been released.
template <typename Pair>
std::shared_ptr<Pair> attached(GstPad* pad) {
  return std::static_pointer_cast<Pair>(
      static_cast<std::weak_ptr<PadPair>*>(gst_pad_get_element_private(pad))->lock());
}

// The names of an element's sink pads that are there or on their way. Any thread.
class PadNames {
 public:
  // The number of "audio_3", or the next one that is free, kept for the caller. Empty: no such name,
  // or there is one.
  [[nodiscard]] std::string take(const std::string& kind, const gchar* name) {
    const auto prefix = kind + "_";
    auto names = names_.lock();
    if (name) {
      guint64 index = 0;
      const bool is_ours =
          g_str_has_prefix(name, prefix.c_str()) &&
          g_ascii_string_to_unsigned(name + prefix.size(), 10, 0, G_MAXUINT, &index, nullptr);
      const auto number = std::to_string(index);
      // Not "audio_03": the source pad would be that of "audio_3".
      if (!is_ours || prefix + number != name)
        return {};
      return names->insert(name).second ? number : std::string{};
    }
    guint index = 0;
    while (!names->insert(prefix + std::to_string(index)).second)
      ++index;
    return std::to_string(index);
  }
  void give_back(const std::string& name) { names_.lock()->erase(name); }

 private:
  Guarded<std::set<std::string>> names_;
};

}  // namespace onair
