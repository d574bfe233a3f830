// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "test_clock.hpp"

namespace onair::test {

// One element outside any pipeline: with a clock that the test moves and a bus that it reads. What its
// pads are linked to, a PadFeeder and a PadRecorder each, has to outlive its tasks: a bench that is
// all three unblocks, stops feeding and goes to NULL in its own destructor.
class ElementBench {
 public:
  // `line` as in gst-launch: "avaligner sr-trust=never". NULL until set_state().
  explicit ElementBench(const std::string& line, Duration now = Duration{0});
  ~ElementBench();
  ElementBench(const ElementBench&) = delete;
  ElementBench& operator=(const ElementBench&) = delete;

  [[nodiscard]] GstElement* element() const { return element_.get(); }
  [[nodiscard]] GstPtr<GstPad> static_pad(const std::string& name) const;
  GstStateChangeReturn set_state(GstState state) { return gst_element_set_state(element(), state); }
  // GStreamer 1.22 writes into the text while it reads an array of structures.
  void set(const char* property, std::string value) {
    gst_util_set_object_arg(G_OBJECT(element()), property, value.data());
  }
  StructurePtr stats();
  guint64 stat(const char* field);

  // See TestClock.
  [[nodiscard]] TestClock& clock() { return clock_; }
  [[nodiscard]] Duration now() const { return clock_.now(); }
  void set_time(Duration running_time) { clock_.set_time(running_time); }
  Duration wait_for_deadline() { return clock_.wait_for_deadline(); }
  Duration crank() { return clock_.crank(); }

  // Messages on the bus of this type (and, of an element message, with this name) so far, each
  // once. Others stay.
  std::vector<GstPtr<GstMessage>> messages(GstMessageType type, const char* name = nullptr);
  bool wait_for_message(GstMessageType type);

 private:
  TestClock clock_;
  GstPtr<GstBus> bus_;
  GstPtr<GstElement> element_;
  std::vector<GstPtr<GstMessage>> messages_;  // that nobody has asked for yet
};

}  // namespace onair::test
