// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <gst/gst.h>

#include "glue/gstptr.hpp"
#include "test_clock.hpp"

namespace onair::test {

// What one source pad of an element feeds: a sink pad that keeps everything that comes out, in its
// order, and answers as the test wants. It never lets go of a buffer before forget(); for real media
// by the hour there are PadSink and RtpRecorder, which count.
class PadRecorder {
 public:
  struct Item {
    GstPtr<GstBuffer> buffer;
    GstPtr<GstEvent> event;
    std::string name;      // of a buffer, as below; of an event, event_name(); "query"
    GstClockTime when{0};  // running time at which it came
  };
  using NameBuffer = std::function<std::string(GstBuffer*)>;

  // The clock of the element: a wait for what comes out ends waits that are due.
  explicit PadRecorder(
      TestClock& clock, NameBuffer name_buffer = [](GstBuffer*) { return "buffer"; });
  ~PadRecorder();
  PadRecorder(const PadRecorder&) = delete;
  PadRecorder& operator=(const PadRecorder&) = delete;

  [[nodiscard]] GstPad* recorder() const { return pad_.get(); }
  void record(GstPad* src);  // links them
  void stop_recording();     // no thread is held any more, and nothing comes

  // What came out. `is_true` of all that did so far.
  bool wait(const std::function<bool(const std::vector<Item>&)>& is_true);
  bool wait_for_buffers(std::size_t count);
  bool wait_for(const std::string& name);
  [[nodiscard]] std::vector<Item> items();
  [[nodiscard]] std::vector<Item> buffers();
  [[nodiscard]] std::vector<GstPtr<GstEvent>> events(const std::string& name);
  // Names, in their order: "stream-start caps segment #0 #1 gap".
  [[nodiscard]] std::string order();
  [[nodiscard]] std::string order_of_events();
  // From here on.
  void forget();

  // How downstream answers.
  void answer_buffers_with(GstFlowReturn flow);
  void accept(const std::string& caps);  // any until then; says that this is new
  void block();                          // the next buffer's thread
  bool wait_until_blocked();
  void unblock();

  // To be set before anything flows. Serialized queries; without a function, the answer is yes.
  std::function<bool(GstQuery*)> answer_query;
  bool notes_queries = false;

 private:
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);
  GstPtr<GstCaps> accepted();
  void note(Item item);

  TestClock& clock_;
  const NameBuffer name_buffer_;
  GstPtr<GstPad> pad_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Item> items_;
  GstPtr<GstCaps> accepted_;
  GstFlowReturn flow_ = GST_FLOW_OK;
  bool blocks_ = false;
  bool is_blocked_ = false;
};

}  // namespace onair::test
