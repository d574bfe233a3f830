// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>

#include <gst/gst.h>

#include "element_bench.hpp"
#include "glue/gstptr.hpp"
#include "pad_feeder.hpp"
#include "pad_recorder.hpp"

namespace onair::test {

// One pair of pads of an element (glue/paired_pads.hpp): what feeds the sink pad, and a recorder of all
// that comes out of the source pad.
class PairedStream : public PadFeeder, public PadRecorder {
 public:
  // Asks for the sink pad ("audio_0", "video_%u") and links both. Without such a pad the test ends.
  PairedStream(ElementBench& bench, const char* name, NameBuffer name_buffer);
  ~PairedStream();

  [[nodiscard]] const std::string& name() const { return name_; }  // of the sink pad
  [[nodiscard]] bool is_audio() const { return name_.rfind("audio", 0) == 0; }
  [[nodiscard]] GstPad* in() const { return in_.get(); }    // the element's sink pad
  [[nodiscard]] GstPad* out() const { return out_.get(); }  // the element's source pad
  void unlink();
  // No thread is held in it, and none is to come.
  void stop();

 private:
  GstPtr<GstPad> in_;
  std::string name_;
  GstPtr<GstPad> out_;
};

}  // namespace onair::test
