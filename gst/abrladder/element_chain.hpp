// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"

namespace onair {

// Of GStreamer's core.
GstPtr<GstElement> make_queue(const std::string& name, guint64 most_time);
GstPtr<GstElement> make_tee(const std::string& name);
GstPtr<GstElement> make_format(const std::string& name, const char* caps);
// From elsewhere. Null where it is not installed; an error message of `bin` then says so, and in which package it is.
GstPtr<GstElement> make_element(GstBin* bin, const char* factory, const std::string& name,
                                const char* package);
// H.264 as writers take it: whole frames, with their parameter sets in front of each key frame.
std::vector<GstPtr<GstElement>> make_h264_parser(GstBin* bin, const std::string& name);

// Elements of a bin that stand in a row, and come and go together.
class ElementChain {
 public:
  ElementChain() = default;
  // Into the bin, and linked. Empty where one is null, or does not fit the next.
  ElementChain(GstBin* bin, std::vector<GstPtr<GstElement>> elements);

  [[nodiscard]] bool is_empty() const { return elements_.empty(); }
  [[nodiscard]] GstElement* operator[](std::size_t index) const { return elements_[index].get(); }
  [[nodiscard]] GstElement* front() const { return elements_.front().get(); }
  [[nodiscard]] GstElement* back() const { return elements_.back().get(); }
  [[nodiscard]] GstPtr<GstPad> sink() const;
  [[nodiscard]] GstPtr<GstPad> src() const;

  // To the state of the bin, from the end on: what comes must have a way out.
  void start() const;
  void take_away();

 private:
  GstBin* bin_ = nullptr;
  std::vector<GstPtr<GstElement>> elements_;
};

}  // namespace onair
