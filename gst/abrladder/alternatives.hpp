// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/gst.h>

#include "base/time.hpp"
#include "glue/gstptr.hpp"

namespace onair {

// What a fallback bin may be filled with. All calls on its streaming thread, but for takes().
class Alternatives {
 public:
  struct Setting {
    std::string property;
    std::string value;
  };
  struct Candidate {
    std::string name;         // for people
    std::string description;  // as for gst-launch-1.0, with one open pad at each end
    // Of the element named `codec`, where its version has such a property.
    std::vector<Setting> settings;
  };

  virtual ~Alternatives() = default;
  // Of the input: what is told to upstream, and what is let in. Who lets in anything has an error message for the
  // application.
  [[nodiscard]] virtual GstPtr<GstCaps> takes() const = 0;
  [[nodiscard]] virtual bool lets_in(const GstCaps* caps) const {
    return gst_caps_can_intersect(caps, takes().get()) == TRUE;
  }
  // Inputs of one kind have the same candidates.
  [[nodiscard]] virtual std::string kind_of(const GstCaps* caps) const = 0;
  // In order of preference; those that are not installed are skipped.
  [[nodiscard]] virtual std::vector<Candidate> candidates(const GstCaps* caps) const = 0;
  // Another candidate has begun, or the input's caps change: before it sees them.
  virtual void prepare(GstElement* /*chain*/, const GstCaps* /*caps*/) {}
  // In front of each buffer.
  virtual void on_buffer(GstElement* /*chain*/, RunningTime /*at*/) {}
};

// The child of that name, if there is one.
inline GstPtr<GstElement> child(GstElement* bin, const char* name) {
  return GstPtr<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin), name));
}

// Out of its bin, whatever state that is in.
inline void take_away(GstBin* bin, const GstPtr<GstElement>& element) {
  gst_element_set_locked_state(element.get(), TRUE);
  gst_element_set_state(element.get(), GST_STATE_NULL);
  gst_bin_remove(bin, element.get());
}

}  // namespace onair
